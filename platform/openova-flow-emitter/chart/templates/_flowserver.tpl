{{/* Host and port of flowServerUrl, as JSON. */}}
{{- define "flow-emitter.flowServer" -}}
{{- $url := urlParse (.Values.flowEmitter.flowServerUrl | default "" | trim) -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- dict
  "host" (regexReplaceAll ":[0-9]+$" $url.host "")
  "port" ($port | default (eq $url.scheme "https" | ternary "443" "80") | int)
| toJson -}}
{{- end }}

{{/* Whether flowServerUrl is the full name of a Service: something when it is, nothing when it is not. */}}
{{- define "flow-emitter.inCluster" -}}
{{- if regexMatch "^[^.]+\\.[^.]+\\.svc(\\.|$)" (include "flow-emitter.flowServer" . | fromJson).host }}yes{{ end -}}
{{- end }}
