{{/* Affinity: the values', and for several replicas what keeps them together or apart. */}}
{{- define "rynxs.affinity" -}}
{{- $affinity := deepCopy .Values.affinity -}}
{{- $several := gt (int .Values.replicaCount) 1 -}}
{{- $selector := dict "matchLabels" (include "rynxs.selectorLabels" . | fromYaml) -}}
{{- if and $several (include "rynxs.onVolume" .) -}}
{{- /* They share a volume, and so a node. */ -}}
{{- $together := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" $selector -}}
{{- $podAffinity := default dict $affinity.podAffinity -}}
{{- $required := default list $podAffinity.requiredDuringSchedulingIgnoredDuringExecution -}}
{{- $_ := set $podAffinity "requiredDuringSchedulingIgnoredDuringExecution" (append $required $together) -}}
{{- $_ := set $affinity "podAffinity" $podAffinity -}}
{{- else if and $several (not $affinity.podAntiAffinity) -}}
{{- /* Over zones. A spread constraint would not do: where nodes have no zone, it undoes the other. */ -}}
{{- $apart := dict "topologyKey" "topology.kubernetes.io/zone" "labelSelector" $selector -}}
{{- $preferred := list (dict "weight" 100 "podAffinityTerm" $apart) -}}
{{- $_ := set $affinity "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" $preferred) -}}
{{- end -}}
{{- toYaml $affinity -}}
{{- end -}}

{{/* How replicas spread: as the values say, or over nodes unless they share a volume. */}}
{{- define "rynxs.spread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{- toYaml .Values.topologySpreadConstraints -}}
{{- else if and (gt (int .Values.replicaCount) 1) (not (include "rynxs.onVolume" .)) -}}
- topologyKey: kubernetes.io/hostname
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "rynxs.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}
