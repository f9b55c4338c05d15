package load

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// pod makes pod i as a cluster does: the ReplicaSet controller creates it, the
// kubelet reports it Ready. Its managedFields name both. A third writer would
// cost the API server a third of its time once more.
func (l *loader) pod(ctx context.Context, i int) error {
	name := l.world.podName(i)
	made, err := l.livingPod(ctx, i, name, l.world.env)
	if err == nil {
		l.objects.Add(1)
		l.world.podUIDs[i] = made.UID
	}
	return err
}

func (l *loader) livingPod(ctx context.Context, i int, name string, env int) (*corev1.Pod, error) {
	a := l.world.appOf(i)
	pods := l.client.CoreV1().Pods(a.namespace)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: a.podLabels(), GenerateName: a.replicaSet + "-",
			Annotations: map[string]string{
				"cni.projectcalico.org/containerID": fmt.Sprintf("%064x", i),
				"cni.projectcalico.org/podIP":       podIP(i) + "/32",
				"cni.projectcalico.org/podIPs":      podIP(i) + "/32",
				"prometheus.io/port":                "9090",
				"prometheus.io/scrape":              "true",
			},
			OwnerReferences: owner("apps/v1", "ReplicaSet", a.replicaSet, a.replicaSetUID),
		},
		Spec: a.podSpec(env),
	}
	pod.Spec.NodeName = l.world.nodeName(l.world.nodeOf(i))
	pod, err := pods.Create(ctx, pod, created(byController))
	if err != nil {
		return nil, err
	}
	pod.Status = l.world.podStatus(i, pod)
	return pods.UpdateStatus(ctx, pod, updated(byKubelet))
}

// podSpec is the template of the app's pods.
func (a *app) podSpec(env int) corev1.PodSpec {
	const token = "kube-api-access"
	main := corev1.Container{
		Name: "app", Image: a.image(), ImagePullPolicy: corev1.PullIfNotPresent,
		Args:  []string{"--listen=:8080", "--config=/etc/app/config.yaml"},
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "metrics", ContainerPort: 9090}},
		EnvFrom: []corev1.EnvFromSource{
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: a.name}}},
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: a.name}}},
		},
		Resources:      resources("100m", "128Mi"),
		LivenessProbe:  probe("/livez"),
		ReadinessProbe: probe("/readyz"),
		VolumeMounts: []corev1.VolumeMount{
			{Name: "config", MountPath: "/etc/app", ReadOnly: true},
			{Name: "data", MountPath: "/var/lib/app"},
			{Name: token, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true},
		},
	}
	for i := range env {
		main.Env = append(main.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%04d", i), Value: fmt.Sprintf("value of setting %04d", i)})
	}
	proxy := corev1.Container{
		Name: "proxy", Image: "registry.planisphere.test/mesh/proxy:1.4.2", ImagePullPolicy: corev1.PullIfNotPresent,
		Ports:     []corev1.ContainerPort{{Name: "proxy", ContainerPort: 15001}},
		Resources: resources("20m", "32Mi"),
		VolumeMounts: []corev1.VolumeMount{
			{Name: token, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true},
		},
	}
	return corev1.PodSpec{
		ServiceAccountName: a.name,
		Containers:         []corev1.Container{main, proxy},
		Volumes: []corev1.Volume{
			{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: a.name}}}},
			{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: a.name}}},
			{Name: token, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3607)}},
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
					Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
			}}}},
		},
		Tolerations: []corev1.Toleration{
			{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](300)},
			{Key: "node.kubernetes.io/unreachable", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](300)},
		},
	}
}

func resources(cpu, memory string) corev1.ResourceRequirements {
	amount := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	return corev1.ResourceRequirements{Requests: amount, Limits: amount}
}

func probe(path string) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intOrString("http")}},
		PeriodSeconds: 10, TimeoutSeconds: 1,
	}
}

// podStatus is what a kubelet says of a pod that is well.
func (w *world) podStatus(i int, pod *corev1.Pod) corev1.PodStatus {
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	status := *pod.Status.DeepCopy()
	status.Phase = corev1.PodRunning
	status.StartTime = &now
	status.HostIP, status.HostIPs = nodeIP(w.nodeOf(i)), []corev1.HostIP{{IP: nodeIP(w.nodeOf(i))}}
	status.PodIP, status.PodIPs = podIP(i), []corev1.PodIP{{IP: podIP(i)}}
	status.Conditions = nil
	for _, kind := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	for n, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: true, Started: ptr.To(true),
			ImageID:     fmt.Sprintf("%s@sha256:%064x", container.Image, w.appOf(i).index*2+n),
			ContainerID: fmt.Sprintf("containerd://%064x", i*2+n),
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	return status
}
