{{/* A number as the program reads it: Helm would print ten million as 1e+07. */}}
{{- define "flow-server.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ int64 . }}{{ end -}}
{{- end }}

{{/* The program's settings. What is null or empty is left to the program's own default. */}}
{{- define "flow-server.environment" -}}
{{- $v := .Values.flowServer -}}
{{- $store := $v.store -}}
- name: FLOW_SERVER_LISTEN_ADDR
  value: {{ printf ":%d" (int64 $v.port) | quote }}
- name: FLOW_SERVER_LOG_FORMAT
  value: {{ $v.logFormat | quote }}
- name: FLOW_SERVER_ACCESS_LOG
  value: {{ $v.accessLog | quote }}
- name: FLOW_SERVER_STOP_GRACE
  value: {{ printf "%ds" (int64 $v.stop.graceSeconds) | quote }}
- name: FLOW_SERVER_RING_CAPACITY
  value: {{ include "flow-server.text" $v.ringCapacity | quote }}
{{- range $name, $value := dict
  "PATH_PREFIX" $v.pathPrefix
  "RING_BYTES" $v.limits.ringBytes
  "MAX_BODY" $v.limits.maxBody
  "MAX_BATCH" $v.limits.maxBatch
  "MAX_NODES" $v.limits.maxNodes
  "MAX_RELATIONSHIPS" $v.limits.maxRelationships
  "MAX_FLOWS" $v.limits.maxFlows
  "MAX_READERS" $v.limits.maxReaders
  "MAX_READERS_PER_FLOW" $v.limits.maxReadersPerFlow
  "MAX_BYTES_IN_FLIGHT" $v.limits.maxBytesInFlight
  "RATE" $v.limits.rate
  "RATE_BYTES" $v.limits.rateBytes
  "IDLE_TTL" $v.limits.idleTtl
  "HEARTBEAT" $v.limits.heartbeat
  "TRUSTED_PROXIES" (join "," $v.trustedProxies)
  "CORS_ORIGINS" (join "," $v.corsOrigins)
  "FRAME_ANCESTORS" (join " " $v.frameAncestors)
  "SEND_BUFFER" $v.limits.sendBuffer
}}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
- name: FLOW_SERVER_{{ $name }}
  value: {{ include "flow-server.text" $value | quote }}
{{- end }}
{{- end }}
{{- if $v.metrics.open }}
- name: FLOW_SERVER_METRICS_OPEN
  value: "true"
{{- end }}
{{- if ne $v.auth.mode "none" }}
- name: FLOW_SERVER_AUTH_FILE
  value: /etc/flow-server/auth/{{ eq $v.auth.mode "secret" | ternary $v.auth.existingSecret.key "auth.yaml" }}
{{- end }}
- name: FLOW_SERVER_STORE
  value: {{ $store.kind | quote }}
{{- if eq $store.kind "sqlite" }}
- name: FLOW_SERVER_SQLITE_PATH
  value: /var/lib/flow-server/flows.db
{{- else if eq $store.kind "nats" }}
- name: FLOW_SERVER_NATS_URLS
  value: {{ join "," $store.nats.urls | quote }}
{{- with $store.nats.stream }}
- name: FLOW_SERVER_NATS_STREAM
  value: {{ . | quote }}
{{- end }}
{{- with $store.nats.timeout }}
- name: FLOW_SERVER_STORE_TIMEOUT
  value: {{ . | quote }}
{{- end }}
{{- with $store.nats.replicas }}
- name: FLOW_SERVER_NATS_REPLICAS
  value: {{ include "flow-server.text" . | quote }}
{{- end }}
{{- if $store.nats.existingSecret }}
{{- range $name, $key := dict "CREDS_FILE" $store.nats.credsKey "CA_FILE" $store.nats.caKey "CERT_FILE" $store.nats.certKey "KEY_FILE" $store.nats.keyKey }}
{{- if $key }}
- name: FLOW_SERVER_NATS_{{ $name }}
  value: /etc/flow-server/nats/{{ $key }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
