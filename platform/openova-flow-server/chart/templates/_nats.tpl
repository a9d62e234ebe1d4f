{{/* The ports of the NATS servers as a JSON array, each once; 4222 where the URL names none. */}}
{{- define "flow-server.natsPorts" -}}
{{- $ports := list -}}
{{- if eq .Values.flowServer.store.kind "nats" -}}
{{- range .Values.flowServer.store.nats.urls -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default "4222" | int) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end }}
