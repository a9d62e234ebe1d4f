{{/* The pod, the same for both kinds of workload. */}}
{{- define "flow-emitter.podTemplate" -}}
{{- with .Values.flowEmitter -}}
metadata:
  labels:
    {{- include "flow-emitter.podLabels" $ | nindent 4 }}
  annotations:
    kubectl.kubernetes.io/default-container: flow-adapter-flux
    {{- with .podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "flow-emitter.serviceAccountName" $ | quote }}
  # It reads HelmReleases: the token for the API server is needed.
  automountServiceAccountToken: true
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .terminationGracePeriodSeconds }}
  {{- with .imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  securityContext:
    {{- toYaml .podSecurityContext | nindent 4 }}
  containers:
    - name: flow-adapter-flux
      image: {{ include "flow-emitter.image" $ | quote }}
      imagePullPolicy: {{ .image.pullPolicy }}
      command: [flow-adapter-flux]
      env:
        {{- include "flow-emitter.environment" $ | nindent 8 }}
        {{- with .extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: health
          containerPort: {{ .healthPort }}
          protocol: TCP
      startupProbe:
        httpGet:
          path: /healthz
          port: health
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 30
      readinessProbe:
        httpGet:
          path: /readyz
          port: health
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      livenessProbe:
        httpGet:
          path: /healthz
          port: health
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      resources:
        {{- toYaml .resources | nindent 8 }}
      securityContext:
        {{- toYaml .containerSecurityContext | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if ne .auth.mode "none" }}
        - name: flow-server-token
          mountPath: {{ include "flow-emitter.tokenPath" $ }}
          readOnly: true
        {{- end }}
        {{- with .extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: 16Mi
    {{- include "flow-emitter.tokenVolume" $ | nindent 4 }}
    {{- with .extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml .topologySpreadConstraints | nindent 4 }}
  {{- else if and (eq .kind "Deployment") (gt (int .replicas) 1) }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "flow-emitter.selectorLabels" $ | nindent 10 }}
  {{- end }}
{{- end -}}
{{- end }}

{{/* The program's settings. */}}
{{- define "flow-emitter.environment" -}}
{{- with .Values.flowEmitter -}}
- name: FLOW_SERVER_URL
  value: {{ .flowServerUrl | default "" | trim | quote }}
- name: FLOW_ID
  value: {{ .flowId | default "" | trim | quote }}
- name: REGION_KEY
  value: {{ .regionKey | default "" | trim | quote }}
# Empty is a value of its own: all namespaces.
- name: NAMESPACE_FILTER
  value: {{ .namespaceFilter | quote }}
- name: EMIT_INTERVAL
  value: {{ .emitInterval | quote }}
- name: POST_TIMEOUT
  value: {{ .postTimeout | quote }}
- name: RESYNC_INTERVAL
  value: {{ .resyncInterval | quote }}
- name: HEALTH_LISTEN_ADDR
  value: {{ printf ":%d" (int64 .healthPort) | quote }}
- name: LEADER_ELECTION
  value: {{ .leaderElection.enabled | quote }}
- name: LEASE_NAME
  value: {{ .leaderElection.leaseName | quote }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- if ne .auth.mode "none" }}
- name: FLOW_SERVER_TOKEN_FILE
  value: {{ printf "%s/%s" (include "flow-emitter.tokenPath" $) (eq .auth.mode "secret" | ternary .auth.existingSecret.key "token") | quote }}
{{- end }}
{{- end -}}
{{- end }}

{{- define "flow-emitter.tokenPath" -}}
/var/run/secrets/flow-server
{{- end }}

{{- define "flow-emitter.tokenVolume" -}}
{{- with .Values.flowEmitter.auth -}}
{{- if eq .mode "kubernetes" -}}
- name: flow-server-token
  projected:
    defaultMode: 288 # 0440
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ .audience | quote }}
          expirationSeconds: {{ .expirationSeconds }}
{{- else if eq .mode "secret" -}}
- name: flow-server-token
  secret:
    secretName: {{ .existingSecret.name | quote }}
    defaultMode: 288 # 0440
    items:
      - key: {{ .existingSecret.key | quote }}
        path: {{ .existingSecret.key | quote }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The API refuses rollingUpdate beside another type; null takes it from an object that had it. */}}
{{- define "flow-emitter.updateStrategy" -}}
{{- with .Values.flowEmitter.updateStrategy -}}
type: {{ .type }}
rollingUpdate: {{ eq .type "RollingUpdate" | ternary .rollingUpdate nil | toJson }}
{{- end -}}
{{- end }}
