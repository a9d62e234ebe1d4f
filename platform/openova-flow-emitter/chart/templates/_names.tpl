{{/* The name of every object: the workload's, whatever the release is called. */}}
{{- define "flow-emitter.name" -}}
{{- .Values.flowEmitter.workloadName -}}
{{- end }}

{{- define "flow-emitter.serviceAccountName" -}}
{{- $account := .Values.flowEmitter.serviceAccount -}}
{{- $account.name | default (ternary (include "flow-emitter.name" .) "default" $account.create) -}}
{{- end }}

{{- define "flow-emitter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "flow-emitter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of the pods carry no version: a new chart that changes nothing about the pod must not restart it. */}}
{{- define "flow-emitter.podLabels" -}}
{{ include "flow-emitter.selectorLabels" . }}
app.kubernetes.io/component: emitter
app.kubernetes.io/part-of: openova-flow
{{- with merge (dict) .Values.flowEmitter.podLabels .Values.flowEmitter.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "flow-emitter.labels" -}}
{{ include "flow-emitter.selectorLabels" . }}
app.kubernetes.io/component: emitter
app.kubernetes.io/part-of: openova-flow
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.flowEmitter.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* registry/repository:tag@digest, with whatever of tag and digest is there. */}}
{{- define "flow-emitter.image" -}}
{{- with .Values.flowEmitter.image -}}
{{- with .registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .repository -}}
{{- with .tag }}:{{ . }}{{ end -}}
{{- with .digest }}@{{ . }}{{ end -}}
{{- end -}}
{{- end }}
