{{/* What the operator may do in each namespace that counts; docs/RBAC.md says why. */}}
{{- define "rynxs.rules" -}}
{{- $agents := has "agent" .Values.plugins.reducers -}}
{{- $sessions := has "session" .Values.plugins.reducers -}}
{{- $sandboxes := has "sandbox" .Values.plugins.renderers -}}
{{- $cilium := eq (dig "agent" "hostNames" "refuse" .Values.plugins.settings.reducers) "cilium" -}}
{{- $all := list "get" "list" "watch" "create" "patch" "delete" -}}
{{- /* What a renderer may make is watched in any case; without that right nobody leads. */ -}}
{{- $look := list "list" "watch" -}}
{{- $own := list -}}
{{- $statuses := list -}}
{{- if $agents -}}
{{- $own = append $own "agents" -}}
{{- $statuses = append $statuses "agents/status" -}}
{{- end -}}
{{- if $sessions -}}
{{- $own = append $own "sessions" -}}
{{- $statuses = append $statuses "sessions/status" -}}
{{- end -}}
{{- if $own -}}
- apiGroups: [universe.ai]
  resources: {{ toJson $own }}
  verbs: [get, list, watch]
- apiGroups: [universe.ai]
  resources: {{ toJson $statuses }}
  verbs: [patch]
{{- end }}
{{- if has "workload" .Values.plugins.renderers }}
- apiGroups: [""]
  resources: [configmaps, persistentvolumeclaims]
  verbs: {{ ternary $all $look (or $agents $sessions) | toJson }}
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: {{ ternary $all $look (or $agents $sessions) | toJson }}
- apiGroups: [cilium.io]
  resources: [ciliumnetworkpolicies]
  verbs: {{ ternary $all $look (and $cilium (or $agents $sessions)) | toJson }}
- apiGroups: [""]
  resources: [serviceaccounts, services]
  verbs: {{ ternary $all $look $agents | toJson }}
- apiGroups: [apps]
  resources: [deployments]
  {{- if and $agents $sandboxes }}
  {{- /* Those from before agents had Sandboxes are removed. */}}
  verbs: [get, list, watch, delete]
  {{- else }}
  verbs: {{ ternary $all $look $agents | toJson }}
  {{- end }}
- apiGroups: [batch]
  resources: [jobs]
  verbs: {{ ternary $all $look $sessions | toJson }}
{{- end }}
{{- if $sandboxes }}
- apiGroups: [agents.x-k8s.io]
  resources: [sandboxes]
  verbs: {{ ternary $all $look $agents | toJson }}
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- with .Values.rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What it may do with universes, which have no namespace. */}}
{{- define "rynxs.universeRules" -}}
- apiGroups: [universe.ai]
  resources: [universes]
  verbs: [get, list, watch]
- apiGroups: [universe.ai]
  resources: [universes/status]
  verbs: [patch]
{{- end -}}

{{/* The operator's account, as a subject of bindings. */}}
{{- define "rynxs.subjects" -}}
- kind: ServiceAccount
  name: {{ include "rynxs.serviceAccountName" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end -}}

{{/* Names of what has no namespace bear that of the release. */}}
{{- define "rynxs.clusterName" -}}
{{ .Release.Namespace }}-{{ include "rynxs.fullname" . }}
{{- end -}}
