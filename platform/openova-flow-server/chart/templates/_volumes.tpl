{{- define "flow-server.volumeMounts" -}}
{{- $v := .Values.flowServer -}}
- name: tmp
  mountPath: /tmp
{{- if ne $v.auth.mode "none" }}
- name: auth
  mountPath: /etc/flow-server/auth
  readOnly: true
{{- end }}
{{- if eq $v.auth.mode "kubernetes" }}
- name: api-access
  mountPath: {{ include "flow-server.apiAccessPath" . }}
  readOnly: true
{{- if $v.auth.tokensSecret.name }}
- name: tokens
  mountPath: /etc/flow-server/tokens
  readOnly: true
{{- end }}
{{- end }}
{{- if eq $v.store.kind "sqlite" }}
- name: flows
  mountPath: /var/lib/flow-server
{{- end }}
{{- if and (eq $v.store.kind "nats") $v.store.nats.existingSecret }}
- name: nats
  mountPath: /etc/flow-server/nats
  readOnly: true
{{- end }}
{{- with $v.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Folders, not single files: a file mounted by subPath would never change again. */}}
{{- define "flow-server.volumes" -}}
{{- $v := .Values.flowServer -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- if eq $v.auth.mode "kubernetes" }}
- name: auth
  configMap:
    name: {{ include "flow-server.name" . }}-auth
# What the pod needs to read this cluster's public keys, and nothing else: no rights go with the token.
- name: api-access
  projected:
    defaultMode: 288 # 0440
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3600
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
{{- if $v.auth.tokensSecret.name }}
- name: tokens
  secret:
    secretName: {{ $v.auth.tokensSecret.name | quote }}
    defaultMode: 288 # 0440
    items:
      - key: {{ $v.auth.tokensSecret.key | quote }}
        path: {{ $v.auth.tokensSecret.key | quote }}
{{- end }}
{{- else if eq $v.auth.mode "secret" }}
- name: auth
  secret:
    secretName: {{ $v.auth.existingSecret.name | quote }}
    defaultMode: 288 # 0440
{{- end }}
{{- if eq $v.store.kind "sqlite" }}
- name: flows
  persistentVolumeClaim:
    claimName: {{ $v.store.sqlite.existingClaim | default (include "flow-server.name" .) | quote }}
{{- end }}
{{- if and (eq $v.store.kind "nats") $v.store.nats.existingSecret }}
- name: nats
  secret:
    secretName: {{ $v.store.nats.existingSecret | quote }}
    defaultMode: 288 # 0440
{{- end }}
{{- with $v.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
