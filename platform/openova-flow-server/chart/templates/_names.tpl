{{/* The name of every object: the workload's, whatever the release is called, so that others find the Service. */}}
{{- define "flow-server.name" -}}
{{- .Values.flowServer.workloadName -}}
{{- end }}

{{- define "flow-server.serviceAccountName" -}}
{{- $account := .Values.flowServer.serviceAccount -}}
{{- $account.name | default (ternary (include "flow-server.name" .) "default" $account.create) -}}
{{- end }}

{{- define "flow-server.selectorLabels" -}}
app.kubernetes.io/name: {{ include "flow-server.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of the pods carry no version: a new chart that changes nothing about the pod must not restart it. */}}
{{- define "flow-server.podLabels" -}}
{{ include "flow-server.selectorLabels" . }}
app.kubernetes.io/component: server
app.kubernetes.io/part-of: openova-flow
{{- with merge (dict) .Values.flowServer.podLabels .Values.flowServer.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "flow-server.labels" -}}
{{ include "flow-server.selectorLabels" . }}
app.kubernetes.io/component: server
app.kubernetes.io/part-of: openova-flow
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.flowServer.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* registry/repository:tag@digest, with whatever of tag and digest is there. */}}
{{- define "flow-server.image" -}}
{{- with .Values.flowServer.image -}}
{{- with .registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .repository -}}
{{- with .tag }}:{{ . }}{{ end -}}
{{- with .digest }}@{{ . }}{{ end -}}
{{- end -}}
{{- end }}
