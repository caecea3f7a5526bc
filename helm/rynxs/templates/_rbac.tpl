{{/* What the operator may do in each namespace that counts; docs/OPERATOR.md says why. */}}
{{- define "rynxs.rules" -}}
{{- $own := list -}}
{{- $statuses := list -}}
{{- if has "agent" .Values.plugins.reducers -}}
{{- $own = append $own "agents" -}}
{{- $statuses = append $statuses "agents/status" -}}
{{- end -}}
{{- if has "session" .Values.plugins.reducers -}}
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
  resources: [configmaps, persistentvolumeclaims, serviceaccounts, services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
{{- /* Where Cilium is, its policies are watched in any case, and without that right nobody leads. */}}
- apiGroups: [cilium.io]
  resources: [ciliumnetworkpolicies]
  {{- if eq (dig "agent" "hostNames" "refuse" .Values.plugins.settings.reducers) "cilium" }}
  verbs: [get, list, watch, create, patch, delete]
  {{- else }}
  verbs: [get, list, watch]
  {{- end }}
{{- end }}
{{- if has "sandbox" .Values.plugins.renderers }}
- apiGroups: [agents.x-k8s.io]
  resources: [sandboxes]
  verbs: [get, list, watch, create, patch, delete]
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
  name: {{ include "rynxs.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* Names of what has no namespace bear that of the release. */}}
{{- define "rynxs.clusterName" -}}
{{ .Release.Namespace }}-{{ include "rynxs.fullname" . }}
{{- end -}}
