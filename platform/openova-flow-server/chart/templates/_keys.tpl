{{/* Where the keys of other issuers are read from, as a JSON array of host and port. */}}
{{- define "flow-server.keyServers" -}}
{{- $servers := list -}}
{{- if eq .Values.flowServer.auth.mode "kubernetes" -}}
{{- range .Values.flowServer.auth.issuers -}}
{{- with .jwksUrl -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $servers = append $servers (dict
  "host" (regexReplaceAll ":[0-9]+$" $url.host "")
  "port" ($port | default (eq $url.scheme "https" | ternary "443" "80") | int)
) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $servers | uniq | toJson -}}
{{- end }}
