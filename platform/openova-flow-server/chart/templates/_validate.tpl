{{/* What a schema cannot say, all of it at once: one error a line, and the rendering fails when there is any. */}}
{{- define "flow-server.validate" -}}
{{- $v := .Values.flowServer -}}
{{- $problems := list -}}
{{- if not (or $v.image.tag $v.image.digest) -}}
{{- $problems = append $problems "flowServer.image.tag: say which image runs, by tag or by flowServer.image.digest" -}}
{{- end -}}

{{- if and $v.httproute.enabled (not $v.httproute.hostname) -}}
{{- $problems = append $problems "flowServer.httproute.hostname: the route needs the name under which the server is reached" -}}
{{- end -}}

{{- $open := list -}}
{{- if $v.httproute.enabled -}}{{- $open = append $open "flowServer.httproute.enabled" -}}{{- end -}}
{{- if ne $v.service.type "ClusterIP" -}}{{- $open = append $open (printf "flowServer.service.type %s" $v.service.type) -}}{{- end -}}
{{- if and $open (not $v.auth.publicWithoutAuth) -}}
{{- if eq $v.auth.mode "none" -}}
{{- $problems = append $problems (printf "flowServer.auth.mode: none with %s lets anybody who reaches it write and delete; choose another mode, or say flowServer.auth.publicWithoutAuth: true" (join " and " $open)) -}}
{{- else if or $v.auth.anonymous.publish $v.auth.anonymous.own -}}
{{- $problems = append $problems (printf "flowServer.auth.anonymous: publish or own with %s lets anybody who reaches it write; grant read only, or say flowServer.auth.publicWithoutAuth: true" (join " and " $open)) -}}
{{- end -}}
{{- end -}}

{{- if and (eq $v.auth.mode "secret") (not $v.auth.existingSecret.name) -}}
{{- $problems = append $problems "flowServer.auth.existingSecret.name: mode secret needs the Secret with the grants file" -}}
{{- end -}}
{{- if ne $v.auth.mode "kubernetes" -}}
{{- range $name, $value := dict "issuers" $v.auth.issuers "tokensSecret.name" $v.auth.tokensSecret.name "anonymous" $v.auth.anonymous -}}
{{- if $value -}}
{{- $problems = append $problems (printf "flowServer.auth.%s: has no effect with mode %s, only with kubernetes" $name $v.auth.mode) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $names := dict "cluster" "this cluster's own issuer" -}}
{{- range $index, $issuer := $v.auth.issuers -}}
{{- $where := printf "flowServer.auth.issuers[%d] (%s)" $index $issuer.name -}}
{{- if hasKey $names $issuer.name -}}
{{- $problems = append $problems (printf "%s: the name is taken by %s" $where (get $names $issuer.name)) -}}
{{- end -}}
{{- $_ := set $names $issuer.name (printf "flowServer.auth.issuers[%d]" $index) -}}
{{- if eq (not $issuer.jwks) (not $issuer.jwksUrl) -}}
{{- $problems = append $problems (printf "%s: give its keys either as jwks (the document) or as jwksUrl (where to read it)" $where) -}}
{{- end -}}
{{- if and $issuer.jwks (not ($issuer.jwks | fromJson).keys) -}}
{{- $problems = append $problems (printf "%s.jwks: expected a JSON object with keys, as `kubectl get --raw /openid/v1/jwks` prints it" $where) -}}
{{- end -}}
{{- if not (or ($issuer.regionKey | default "" | trim) $issuer.grants) -}}
{{- $problems = append $problems (printf "%s: grants nothing; give regionKey for a region's emitter, or grants" $where) -}}
{{- end -}}
{{- end -}}

{{- if and (eq $v.store.kind "nats") (not $v.store.nats.urls) -}}
{{- $problems = append $problems "flowServer.store.nats.urls: the store nats needs at least one URL" -}}
{{- end -}}
{{- with $v.store.nats -}}
{{- if and (or .caKey .certKey .keyKey) (not .existingSecret) -}}
{{- $problems = append $problems "flowServer.store.nats.existingSecret: caKey, certKey and keyKey name files in it" -}}
{{- end -}}
{{- if ne (not .certKey) (not .keyKey) -}}
{{- $problems = append $problems "flowServer.store.nats: certKey and keyKey belong together" -}}
{{- end -}}
{{- end -}}

{{- with $v.metrics -}}
{{- if and .serviceMonitor.enabled (ne $v.auth.mode "none") (not .open) (not .serviceMonitor.bearerTokenSecret.name) -}}
{{- $problems = append $problems "flowServer.metrics: Prometheus would be refused; set metrics.open: true, or metrics.serviceMonitor.bearerTokenSecret.name to a token that may read every flow" -}}
{{- end -}}
{{- end -}}

{{- if $problems -}}
{{- fail (printf "%s cannot be installed with these values:\n  - %s" .Chart.Name (join "\n  - " $problems)) -}}
{{- end -}}
{{- end }}
