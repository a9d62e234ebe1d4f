{{/* What a schema cannot say, all of it at once: one error a line, and the rendering fails when there is any. */}}
{{- define "flow-emitter.validate" -}}
{{- $v := .Values.flowEmitter -}}
{{- $problems := list -}}
{{- if not (or $v.image.tag $v.image.digest) -}}
{{- $problems = append $problems "flowEmitter.image.tag: say which image runs, by tag or by flowEmitter.image.digest" -}}
{{- end -}}

{{- $url := $v.flowServerUrl | default "" | trim -}}
{{- $port := regexFind ":[0-9]+(/|$)" (regexReplaceAll "^https?://" $url "") | trimPrefix ":" | trimSuffix "/" | default "80" | atoi -}}
{{- if not $url -}}
{{- $problems = append $problems "flowEmitter.flowServerUrl: where the flow server is, as http://openova-flow-server.catalyst-system.svc.cluster.local in its own cluster" -}}
{{- else if not (regexMatch "^https?://[^/?#@\\s]+(/[^?#\\s]*)?$" $url) -}}
{{- $problems = append $problems (printf "flowEmitter.flowServerUrl: expected http:// or https://, a host and perhaps a path, found %q" $url) -}}
{{- else if or (lt $port 1) (gt $port 65535) -}}
{{- $problems = append $problems (printf "flowEmitter.flowServerUrl: expected a port from 1 to 65535, found %q" $url) -}}
{{- else if and (hasPrefix "http:" $url) (ne $v.auth.mode "none") (not $v.auth.allowPlainHttp) (not (include "flow-emitter.inCluster" .)) -}}
{{- $problems = append $problems (printf "flowEmitter.flowServerUrl: %s would carry the token unencrypted; use https://, or the Service's full name (...svc.cluster.local), or say flowEmitter.auth.allowPlainHttp: true" $url) -}}
{{- end -}}

{{- $flow := $v.flowId | default "" | trim -}}
{{- if not $flow -}}
{{- $problems = append $problems "flowEmitter.flowId: which flow this cluster's releases belong to, the same in every region" -}}
{{- else if gt (len (splitList "" $flow)) 253 -}}
{{- $problems = append $problems (printf "flowEmitter.flowId: expected at most 253 characters, found %d" (len (splitList "" $flow))) -}}
{{- else if regexMatch "\\p{Cc}" $flow -}}
{{- $problems = append $problems (printf "flowEmitter.flowId: expected no control characters, found %q" $flow) -}}
{{- end -}}

{{- $region := $v.regionKey | default "" | trim -}}
{{- if not $region -}}
{{- $problems = append $problems "flowEmitter.regionKey: what this cluster is called, different in every region" -}}
{{- else if gt (len (splitList "" $region)) 253 -}}
{{- $problems = append $problems (printf "flowEmitter.regionKey: expected at most 253 characters, found %d" (len (splitList "" $region))) -}}
{{- else if regexMatch "[/\\p{Cc}]" $region -}}
{{- $problems = append $problems (printf "flowEmitter.regionKey: expected no / and no control characters, found %q" $region) -}}
{{- end -}}

{{- if not $v.leaderElection.enabled -}}
{{- if eq $v.kind "DaemonSet" -}}
{{- $problems = append $problems "flowEmitter.leaderElection.enabled: without it every node of a DaemonSet would speak; use kind: Deployment with one replica" -}}
{{- else if gt (int $v.replicas) 1 -}}
{{- $problems = append $problems (printf "flowEmitter.leaderElection.enabled: without it all %d replicas would speak" (int $v.replicas)) -}}
{{- end -}}
{{- end -}}

{{- $strategy := $v.updateStrategy.type -}}
{{- if eq $strategy (eq $v.kind "DaemonSet" | ternary "Recreate" "OnDelete") -}}
{{- $problems = append $problems (printf "flowEmitter.updateStrategy.type: a %s has no %s" $v.kind $strategy) -}}
{{- end -}}
{{- if and (eq $v.auth.mode "secret") (not $v.auth.existingSecret.name) -}}
{{- $problems = append $problems "flowEmitter.auth.existingSecret.name: mode secret needs the Secret with the token" -}}
{{- end -}}
{{- if and $v.rbac.helmChartsEverywhere (not $v.rbac.create) -}}
{{- $problems = append $problems "flowEmitter.rbac.helmChartsEverywhere: has no effect without flowEmitter.rbac.create" -}}
{{- end -}}

{{- if $problems -}}
{{- fail (printf "%s cannot be installed with these values:\n  - %s" .Chart.Name (join "\n  - " $problems)) -}}
{{- end -}}
{{- end }}
