{{/* The name of the release's objects. */}}
{{- define "rynxs.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Which pods are the operator's. Nothing else carries this name. */}}
{{- define "rynxs.selectorLabels" -}}
app.kubernetes.io/name: rynxs
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The labels of an object. */}}
{{- define "rynxs.labels" -}}
{{- $own := include "rynxs.ownLabels" . | fromYaml -}}
{{- toYaml (merge $own .Values.commonLabels) -}}
{{- end -}}

{{- define "rynxs.ownLabels" -}}
{{ include "rynxs.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: rynxs
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* The labels of a pod that is not the operator's: a list of the context and the pod's name. */}}
{{- define "rynxs.otherPodLabels" -}}
{{- $own := dict "app.kubernetes.io/name" (last .) "app.kubernetes.io/instance" (first .).Release.Name -}}
{{- toYaml (merge $own (first .).Values.commonLabels) -}}
{{- end -}}

{{/* The metadata that all objects have, but for the name. */}}
{{- define "rynxs.metadata" -}}
labels:
  {{- include "rynxs.labels" . | nindent 2 }}
{{- with .Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "rynxs.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rynxs.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rynxs.image" -}}
{{- with .Values.image -}}
{{- .repository -}}{{- if .digest -}}@{{ .digest }}{{- else -}}:{{ .tag }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The sink's name. */}}
{{- define "rynxs.sink" -}}
{{- default .Values.logSink.type .Values.plugins.sink -}}
{{- end -}}

{{/* "true" if the log may be on a volume of the pods, which then share a node. */}}
{{- define "rynxs.onVolume" -}}
{{- if and .Values.persistence.enabled (ne (include "rynxs.sink" .) "s3") -}}true{{- end -}}
{{- end -}}

{{/* The Secret with the signing key; empty if nothing is signed. */}}
{{- define "rynxs.signingSecret" -}}
{{- if .Values.plugins.signer -}}
{{- if .Values.signingKey.existingSecret -}}
{{- .Values.signingKey.existingSecret -}}
{{- else if .Values.signingKey.create -}}
{{- include "rynxs.fullname" . -}}-signing-key
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" if the hook makes the signing key. */}}
{{- define "rynxs.makesSigningKey" -}}
{{- with .Values.signingKey -}}
{{- if and $.Values.plugins.signer .create (not .existingSecret) -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rynxs.origin" -}}
{{- default (printf "rynxs.local/%s/%s" .Release.Namespace (include "rynxs.fullname" .)) .Values.origin -}}
{{- end -}}

{{/* The Secret with the webhook's certificate. */}}
{{- define "rynxs.webhookSecret" -}}
{{- default (printf "%s-webhook" (include "rynxs.fullname" .)) .Values.webhook.certificate.secretName -}}
{{- end -}}

{{/* What keeps a pod within the restricted Pod Security level, and where it may run. */}}
{{- define "rynxs.podPlacement" -}}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Image and security context, the same for each container. */}}
{{- define "rynxs.container" -}}
image: {{ include "rynxs.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end -}}

{{/* Annotations of what makes the signing key; gone as soon as it is made. A list: context, weight. */}}
{{- define "rynxs.signingKeyHook" -}}
{{- $own := dict "helm.sh/hook" "pre-install,pre-upgrade" "helm.sh/hook-weight" (last .) "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" -}}
{{- toYaml (merge $own (first .).Values.commonAnnotations) -}}
{{- end -}}
