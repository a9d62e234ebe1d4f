{{/* Where the pod's own token and the API server's CA are, to read this cluster's keys with. */}}
{{- define "flow-server.apiAccessPath" -}}
/var/run/secrets/flow-server/api
{{- end }}

{{/* What an emitter may: read, because it compares; write, but never replace a flow; and, when its region is known, only there. */}}
{{- define "flow-server.emitterGrant" -}}
subject: system:serviceaccount:{{ .namespace }}:{{ .serviceAccount }}
read: ["*"]
publish: ["*"]
{{- with .regionKey | default "" | trim }}
nodes: [{{ . | quote }}, {{ printf "%s/*" . | quote }}]
{{- end }}
{{- end }}

{{/* The grants file of mode kubernetes. */}}
{{- define "flow-server.grants" -}}
{{- $auth := .Values.flowServer.auth -}}
{{- $cluster := $auth.kubernetes -}}
{{- $namespace := $cluster.emitter.namespace | default .Release.Namespace -}}
{{- $account := $cluster.emitter.serviceAccount -}}
{{- $emitter := dict "namespace" $namespace "serviceAccount" $account "regionKey" $cluster.emitter.regionKey -}}
{{- $grants := list (include "flow-server.emitterGrant" $emitter | fromYaml) -}}
{{- if $cluster.reader.serviceAccount -}}
{{- $reader := printf "system:serviceaccount:%s:%s" .Release.Namespace $cluster.reader.serviceAccount -}}
{{- $grants = append $grants (dict "subject" $reader "read" (list "*")) -}}
{{- end -}}
{{- $algorithms := list "RS256" "ES256" -}}
{{- $issuers := list (dict
  "name" "cluster"
  "issuer" $cluster.issuer
  "audience" $cluster.audience
  "algorithms" $algorithms
  "jwks_url" "https://kubernetes.default.svc/openid/v1/jwks"
  "jwks_ca_file" (printf "%s/ca.crt" (include "flow-server.apiAccessPath" .))
  "jwks_token_file" (printf "%s/token" (include "flow-server.apiAccessPath" .))
  "grants" (concat $grants $cluster.grants)
) -}}
{{- range $auth.issuers -}}
{{- $issuer := dict
  "name" .name
  "issuer" (.issuer | default $cluster.issuer)
  "audience" (.audience | default $cluster.audience)
  "algorithms" (.algorithms | default $algorithms)
-}}
{{- if .jwks -}}
{{- $_ := set $issuer "jwks_file" (printf "/etc/flow-server/auth/jwks-%s.json" .name) -}}
{{- else -}}
{{- $_ := set $issuer "jwks_url" .jwksUrl -}}
{{- end -}}
{{- $theirs := .grants | default list -}}
{{- if .regionKey | default "" | trim -}}
{{- $theirs = prepend $theirs (include "flow-server.emitterGrant" (dict
  "namespace" (.emitterNamespace | default $namespace)
  "serviceAccount" (.emitterServiceAccount | default $account)
  "regionKey" .regionKey
) | fromYaml) -}}
{{- end -}}
{{- $_ := set $issuer "grants" $theirs -}}
{{- $issuers = append $issuers $issuer -}}
{{- end -}}
{{- $file := dict "issuers" $issuers "anonymous" $auth.anonymous -}}
{{- if $auth.tokensSecret.name -}}
{{- $_ := set $file "tokens_file" (printf "/etc/flow-server/tokens/%s" $auth.tokensSecret.key) -}}
{{- end -}}
{{- toYaml $file -}}
{{- end }}
