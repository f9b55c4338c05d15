package load

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

const storageClass = "fast"

// app makes everything of app i that its pods need, and their owners.
func (l *loader) app(ctx context.Context, i int) error {
	a := l.world.apps[i]
	for _, make := range []func(context.Context, *app) error{l.configuration, l.volume, l.workload} {
		if err := make(ctx, a); err != nil {
			return fmt.Errorf("%s/%s: %w", a.namespace, a.name, err)
		}
	}
	return nil
}

func (a *app) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: a.name, Labels: a.labels(), Annotations: map[string]string{
		"meta.helm.sh/release-name": a.name, "meta.helm.sh/release-namespace": a.namespace,
	}}
}

func created(by string) metav1.CreateOptions { return metav1.CreateOptions{FieldManager: by} }
func updated(by string) metav1.UpdateOptions { return metav1.UpdateOptions{FieldManager: by} }

func owner(version, kind, name string, uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: name, UID: uid, Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true)}}
}

// configuration makes the ServiceAccount, the ConfigMap and the Secret.
func (l *loader) configuration(ctx context.Context, a *app) error {
	core := l.client.CoreV1()
	if _, err := core.ServiceAccounts(a.namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: a.meta()}, created(byDeployer)); err != nil {
		return err
	}
	l.objects.Add(1)
	config := &corev1.ConfigMap{ObjectMeta: a.meta(), Data: map[string]string{"config.yaml": strings.Repeat("# a line of configuration\n", 40)}}
	if _, err := core.ConfigMaps(a.namespace).Create(ctx, config, created(byDeployer)); err != nil {
		return err
	}
	l.objects.Add(1)
	secret := &corev1.Secret{ObjectMeta: a.meta(), Type: corev1.SecretTypeOpaque, StringData: map[string]string{
		"username": a.name, "password": "must-never-be-mirrored-" + letters(a.name, 12)}}
	if _, err := core.Secrets(a.namespace).Create(ctx, secret, created(byDeployer)); err != nil {
		return err
	}
	l.objects.Add(1)
	return nil
}

// volume makes a claim and the volume it is bound to.
func (l *loader) volume(ctx context.Context, a *app) error {
	core := l.client.CoreV1()
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")}
	modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
	name := "pvc-" + a.name
	claim, err := core.PersistentVolumeClaims(a.namespace).Create(ctx, &corev1.PersistentVolumeClaim{
		ObjectMeta: a.meta(),
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: modes, VolumeName: name, StorageClassName: ptr.To(storageClass),
			Resources: corev1.VolumeResourceRequirements{Requests: size}},
	}, created(byDeployer))
	if err != nil {
		return err
	}
	claim.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, AccessModes: modes, Capacity: size}
	if _, err := core.PersistentVolumeClaims(a.namespace).UpdateStatus(ctx, claim, updated(byController)); err != nil {
		return err
	}
	l.objects.Add(1)

	volume, err := core.PersistentVolumes().Create(ctx, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": "csi.planisphere.test"}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity: size, AccessModes: modes, StorageClassName: storageClass, PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			ClaimRef: &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: a.namespace, Name: a.name,
				UID: claim.UID, ResourceVersion: claim.ResourceVersion},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.planisphere.test", VolumeHandle: "vol-" + a.name}},
		},
	}, created("csi-provisioner"))
	if err != nil {
		return err
	}
	volume.Status.Phase = corev1.VolumeBound
	if _, err := core.PersistentVolumes().UpdateStatus(ctx, volume, updated(byController)); err != nil {
		return err
	}
	l.objects.Add(1)
	return nil
}

// workload makes the Deployment and its ReplicaSet, both with all replicas ready.
func (l *loader) workload(ctx context.Context, a *app) error {
	apps := l.client.AppsV1()
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: a.labels()}, Spec: a.podSpec(4)}
	replicas := int32(a.replicas)
	deployment := &appsv1.Deployment{ObjectMeta: a.meta(), Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: a.selector()}, Template: template}}
	deployment.Annotations["deployment.kubernetes.io/revision"] = "1"
	deployment, err := apps.Deployments(a.namespace).Create(ctx, deployment, created(byDeployer))
	if err != nil {
		return err
	}
	now := metav1.Now()
	deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: deployment.Generation, Replicas: replicas, UpdatedReplicas: replicas,
		ReadyReplicas: replicas, AvailableReplicas: replicas, Conditions: []appsv1.DeploymentCondition{
			{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Reason: "MinimumReplicasAvailable", LastUpdateTime: now, LastTransitionTime: now},
			{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable", LastUpdateTime: now, LastTransitionTime: now},
		}}
	if _, err := apps.Deployments(a.namespace).UpdateStatus(ctx, deployment, updated(byController)); err != nil {
		return err
	}
	l.objects.Add(1)

	template.Labels = a.podLabels()
	selector := a.selector()
	selector["pod-template-hash"] = a.hash
	set, err := apps.ReplicaSets(a.namespace).Create(ctx, &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: a.replicaSet, Labels: a.podLabels(), OwnerReferences: owner("apps/v1", "Deployment", a.name, deployment.UID),
			Annotations: map[string]string{"deployment.kubernetes.io/revision": "1", "deployment.kubernetes.io/desired-replicas": fmt.Sprint(replicas)}},
		Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: selector}, Template: template},
	}, created(byController))
	if err != nil {
		return err
	}
	a.replicaSetUID = set.UID
	set.Status = appsv1.ReplicaSetStatus{ObservedGeneration: set.Generation, Replicas: replicas, FullyLabeledReplicas: replicas,
		ReadyReplicas: replicas, AvailableReplicas: replicas}
	if _, err := apps.ReplicaSets(a.namespace).UpdateStatus(ctx, set, updated(byController)); err != nil {
		return err
	}
	l.objects.Add(1)
	return nil
}

// storageClass is shared by all volumes.
func (l *loader) storageClass(ctx context.Context) error {
	_, err := l.client.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: storageClass}, Provisioner: "csi.planisphere.test"}, created(byDeployer))
	if apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("this cluster was loaded before: %w", err)
	}
	l.objects.Add(1)
	return err
}
