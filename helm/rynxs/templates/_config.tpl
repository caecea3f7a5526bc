{{/* The operator's rynxs.yaml. */}}
{{- define "rynxs.config" -}}
origin: {{ include "rynxs.origin" . | quote }}
plugins:
  sink: {{ include "rynxs.sink" . }}
  reducers: {{ toJson .Values.plugins.reducers }}
  renderers: {{ toJson .Values.plugins.renderers }}
  signer: {{ .Values.plugins.signer | default nil | toJson }}
settings:
  sink:
    {{- include "rynxs.sinkSettings" . | nindent 4 }}
  {{- with .Values.plugins.settings.reducers }}
  reducers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.plugins.settings.renderers }}
  renderers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "rynxs.signerSettings" . | fromYaml }}
  signer:
    {{- toYaml . | nindent 4 }}
  {{- end }}
retention:
  floorDays: {{ .Values.retention.floorDays | int64 }}
snapshots:
  every: {{ .Values.snapshots.every | int64 }}
operator:
  namespaces: {{ toJson .Values.watchNamespaces }}
  leaderElection:
    enabled: {{ .Values.leaderElection.enabled }}
    namespace: {{ .Release.Namespace | quote }}
    name: {{ include "rynxs.fullname" . }}
    leaseDuration: {{ .Values.leaderElection.leaseDuration }}
    renewDeadline: {{ .Values.leaderElection.renewDeadline }}
    retryPeriod: {{ .Values.leaderElection.retryPeriod }}
  concurrency: {{ .Values.operator.concurrency | int64 }}
  queue: {{ .Values.operator.queue | int64 }}
  batch: {{ .Values.operator.batch | int64 }}
  checkpointEvery: {{ .Values.operator.checkpointEvery }}
  http:
    host: {{ .Values.operator.host | quote }}
    port: {{ .Values.metrics.port | int64 }}
  {{- if .Values.webhook.enabled }}
  webhook:
    host: {{ .Values.operator.host | quote }}
    port: {{ .Values.webhook.port | int64 }}
    certificate: /etc/rynxs/webhook/tls.crt
    key: /etc/rynxs/webhook/tls.key
  {{- end }}
{{- end -}}

{{/* What the chart knows of the sink, and what plugins.settings.sink says beside. */}}
{{- define "rynxs.sinkSettings" -}}
{{- $sink := include "rynxs.sink" . -}}
{{- $own := dict -}}
{{- if eq $sink "file" -}}
{{- $own = dict "path" "/var/lib/rynxs/log" -}}
{{- else if eq $sink "lmdb" -}}
{{- $own = dict "path" "/var/lib/rynxs/log.mdb" -}}
{{- else if eq $sink "s3" -}}
{{- $own = include "rynxs.s3Settings" .Values.logSink.s3 | fromYaml -}}
{{- end -}}
{{- toYaml (mergeOverwrite $own .Values.plugins.settings.sink) -}}
{{- end -}}

{{/* Settings of the S3 sink, from logSink.s3. */}}
{{- define "rynxs.s3Settings" -}}
bucket: {{ .bucket | quote }}
{{- with .prefix }}
prefix: {{ . | quote }}
{{- end }}
{{- with .endpoint }}
endpoint: {{ . | quote }}
{{- end }}
{{- if and .tls .endpoint (not (contains "://" .endpoint)) }}
tls: true
{{- end }}
{{- with .region }}
region: {{ . | quote }}
{{- end }}
{{- if .caSecret }}
caFile: /etc/rynxs/s3/ca.crt
{{- end }}
{{- with .objectLock }}
objectLock:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "rynxs.signerSettings" -}}
{{- $own := dict -}}
{{- if include "rynxs.signingSecret" . -}}
{{- $own = dict "keyFile" (printf "/etc/rynxs/keys/%s" .Values.signingKey.secretKey) -}}
{{- end -}}
{{- toYaml (mergeOverwrite $own .Values.plugins.settings.signer) -}}
{{- end -}}

{{/* The port of the S3 server, by the sink's settings. */}}
{{- define "rynxs.s3Port" -}}
{{- $endpoint := default "" .endpoint -}}
{{- $port := regexFind ":[0-9]+$" $endpoint | trimPrefix ":" -}}
{{- if $port -}}
{{- $port -}}
{{- else if or .tls (not $endpoint) (hasPrefix "https://" $endpoint) -}}
443
{{- else -}}
80
{{- end -}}
{{- end -}}

{{/* The log as a URL, for whoever verifies it, by the sink's settings. */}}
{{- define "rynxs.s3Url" -}}
s3://{{ .bucket }}/{{ default "" .prefix }}
{{- $sep := "?" -}}
{{- if .endpoint }}?endpoint={{ .endpoint }}{{ $sep = "&" }}{{ end -}}
{{- if and .tls .endpoint (not (contains "://" .endpoint)) }}{{ $sep }}tls=true{{ $sep = "&" }}{{ end -}}
{{- if .region }}{{ $sep }}region={{ .region }}{{ end -}}
{{- end -}}
