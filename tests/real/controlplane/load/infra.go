package load

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// perSlice is how many endpoints the real controller puts into one slice.
const perSlice = 100

func intOrString(name string) intstr.IntOrString { return intstr.FromString(name) }

func (l *loader) namespace(ctx context.Context, i int) error {
	name := l.world.namespaceName(i)
	_, err := l.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": name}, Annotations: map[string]string{"owner": name + "@planisphere.test"}},
	}, created(byDeployer))
	l.objects.Add(1)
	return err
}

// node makes a node that is Ready. The API server gives every new node a
// not-ready taint, which the node lifecycle controller takes off: so do we.
func (l *loader) node(ctx context.Context, i int) error {
	nodes := l.client.CoreV1().Nodes()
	name := l.world.nodeName(i)
	node, err := nodes.Create(ctx, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			corev1.LabelTopologyRegion: regionOf(i), corev1.LabelTopologyZone: zoneOf(i), corev1.LabelInstanceTypeStable: "m5.4xlarge",
		}},
		Spec: corev1.NodeSpec{ProviderID: "planisphere:///" + zoneOf(i) + "/" + name, PodCIDR: fmt.Sprintf("10.244.%d.0/24", i%256)},
	}, created(byKubelet))
	if err != nil {
		return err
	}
	amounts := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"),
		corev1.ResourcePods: resource.MustParse("500"), corev1.ResourceEphemeralStorage: resource.MustParse("200Gi")}
	now := metav1.Now()
	node.Status = corev1.NodeStatus{
		Capacity: amounts, Allocatable: amounts,
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: nodeIP(i)}, {Type: corev1.NodeHostName, Address: name}},
		NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.36.3", OSImage: "Debian GNU/Linux 12 (bookworm)", KernelVersion: "6.1.0-28-amd64",
			ContainerRuntimeVersion: "containerd://2.1.4", OperatingSystem: "linux", Architecture: "amd64",
			MachineID: fmt.Sprintf("%032x", i), SystemUUID: fmt.Sprintf("%032x", i), BootID: fmt.Sprintf("%032x", i)},
	}
	for _, condition := range []corev1.NodeCondition{
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID"},
		{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"},
	} {
		condition.LastHeartbeatTime, condition.LastTransitionTime = now, now
		node.Status.Conditions = append(node.Status.Conditions, condition)
	}
	if _, err := nodes.UpdateStatus(ctx, node, updated(byKubelet)); err != nil {
		return err
	}
	_, err = nodes.Patch(ctx, name, types.MergePatchType, []byte(`{"spec":{"taints":null}}`), metav1.PatchOptions{FieldManager: byController})
	l.objects.Add(1)
	return err
}

// service makes app i's Service and the slices that lead to its pods.
func (l *loader) service(ctx context.Context, i int) error {
	w, a := l.world, l.world.apps[i]
	service, err := l.client.CoreV1().Services(a.namespace).Create(ctx, &corev1.Service{
		ObjectMeta: a.meta(),
		Spec: corev1.ServiceSpec{Selector: a.selector(), Ports: []corev1.ServicePort{
			{Name: "http", Port: 80, TargetPort: intOrString("http")}, {Name: "metrics", Port: 9090, TargetPort: intOrString("metrics")}}},
	}, created(byDeployer))
	if err != nil {
		return err
	}
	l.objects.Add(1)

	pods := w.podsOf(a)
	for first := 0; first == 0 || first < len(pods); first += perSlice {
		slice := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{
				Name: a.name + "-" + letters(fmt.Sprint("slice ", a.name, first), 5), GenerateName: a.name + "-",
				Labels:          map[string]string{discoveryv1.LabelServiceName: a.name, discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"},
				OwnerReferences: owner("v1", "Service", a.name, service.UID),
			},
			AddressType: discoveryv1.AddressTypeIPv4,
			Ports:       []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To[int32](8080)}, {Name: ptr.To("metrics"), Port: ptr.To[int32](9090)}},
		}
		for _, pod := range pods[first:min(first+perSlice, len(pods))] {
			node := w.nodeOf(pod)
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
				Addresses: []string{podIP(pod)}, TargetRef: w.podReference(pod),
				NodeName: ptr.To(w.nodeName(node)), Zone: ptr.To(zoneOf(node)),
				Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true), Serving: ptr.To(true), Terminating: ptr.To(false)},
			})
		}
		if _, err := l.client.DiscoveryV1().EndpointSlices(a.namespace).Create(ctx, slice, created(byController)); err != nil {
			return err
		}
		l.objects.Add(1)
	}
	return nil
}
