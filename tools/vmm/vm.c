// SPDX-License-Identifier: GPL-2.0
/*
 * The machine: put together in order, run, taken apart in reverse.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../lib/virtlite.h"
#include "acpi.h"
#include "net_port.h"
#include "vfio.h"
#include "virtio.h"
#include "vm.h"

/* More queues than this help nobody; fewer are not worth a special case. */
#define MIN_QUEUES	4
#define MIN_MEM		(2 * MIB)

/**
 * struct devices - what the machine has beyond the fixed parts
 * @blk: disks
 * @net: network cards
 * @rng: entropy
 * @balloon: memory balloon, with a control socket
 */
struct devices {
	struct virtio_blk *blk[VMM_MAX_DISKS];
	struct virtio_net *net[VMM_MAX_NICS];
	struct virtio *rng;
	struct virtio_balloon *balloon;
};

u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

u64 now_tsc(void)
{
	return __rdtsc();
}

/**
 * vm_stopping() - has somebody asked for the end?
 * @vm: machine
 */
bool vm_stopping(const struct vm *vm)
{
	return __atomic_load_n(&vm->stop, __ATOMIC_ACQUIRE) >= 0;
}

/**
 * vm_wake() - make the main thread look again
 * @vm: machine
 */
void vm_wake(struct vm *vm)
{
	eventfd_write(vm->wake_fd, 1);
}

/**
 * vm_stop() - end the VM
 * @vm: machine
 * @why: reason; the first one stays
 *
 * Context: any thread, any lock but the console's. Does not wait.
 */
void vm_stop(struct vm *vm, enum vmm_status why)
{
	int running = -1;

	if (__atomic_compare_exchange_n(&vm->stop, &running, (int)why, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		vm_wake(vm);
}

/**
 * vm_stop_error() - end the VM because the hypervisor cannot go on
 * @vm: machine
 * @fmt: what happened
 *
 * Of several vCPUs that fail at once, whoever comes first is heard.
 */
void vm_stop_error(struct vm *vm, const char *fmt, ...)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	va_list ap;

	pthread_mutex_lock(&lock);
	if (!vm_stopping(vm)) {
		va_start(ap, fmt);
		vsnprintf(vm->stop_text, sizeof(vm->stop_text), fmt, ap);
		va_end(ap);
		vm_stop(vm, VMM_STOPPED);
	}
	pthread_mutex_unlock(&lock);
}

static int check_config(const struct vmm_config *cfg, int kvm_fd)
{
	unsigned int max = vl_kvm_cap(kvm_fd, KVM_CAP_MAX_VCPUS);

	/* 4 is what an ABI without the capability promises. */
	max = min_t(unsigned int, max ? max : 4, MAX_CPUS);
	if (cfg->cpus < 1 || cfg->cpus > max)
		return vl_error(0, "%u CPUs: %s runs 1 to %u", cfg->cpus,
				cfg->device, max);
	if (cfg->mem < MIN_MEM || cfg->mem % 4096)
		return vl_error(0, "%llu bytes of memory: at least 2 MiB and whole pages, please",
				(unsigned long long)cfg->mem);
	return 0;
}

static int open_device(struct vm *vm)
{
	static const struct vl_cap needed[] = {
		{ KVM_CAP_IRQCHIP, "IRQCHIP" },
		{ KVM_CAP_USER_MEMORY, "USER_MEMORY" },
		{ KVM_CAP_SET_TSS_ADDR, "SET_TSS_ADDR" },
		{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "SET_IDENTITY_MAP_ADDR" },
		{ KVM_CAP_EXT_CPUID, "EXT_CPUID" },
		{ KVM_CAP_PIT2, "PIT2" },
		{ KVM_CAP_IRQ_ROUTING, "IRQ_ROUTING" },
		{ KVM_CAP_IRQFD, "IRQFD" },
		{ KVM_CAP_IOEVENTFD, "IOEVENTFD" },
		{ KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT" },
	};
	int ret = vl_kvm_open(vm->cfg->device);

	if (ret < 0)
		return ret;
	vm->kvm_fd = ret;
	ret = vl_kvm_require(vm->kvm_fd, vm->cfg->device, needed,
			     ARRAY_SIZE(needed));
	return ret ? ret : check_config(vm->cfg, vm->kvm_fd);
}

/* The VM and its interrupt controllers, before there is any vCPU. */
static int create_vm(struct vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	__u64 identity_map = IDENTITY_MAP_ADDR;
	int ret;

	vm->start_ns = now_ns();
	vm->start_tsc = now_tsc();
	vm->vm_fd = vl_vm_create(vm->kvm_fd);
	if (vm->vm_fd < 0)
		return vm->vm_fd;

	ret = vl_ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	if (ret >= 0)
		ret = vl_ioctl(vm->vm_fd, KVM_SET_TSS_ADDR, TSS_ADDR);
	if (ret >= 0)
		ret = vl_ioctl(vm->vm_fd, KVM_CREATE_IRQCHIP, 0);
	if (ret >= 0)
		ret = vl_ioctl(vm->vm_fd, KVM_CREATE_PIT2, &pit);
	if (ret >= 0)
		ret = irq_init(&vm->irq, vm->vm_fd);
	return ret < 0 ? ret : 0;
}

static int create_nics(struct vm *vm, struct devices *dev)
{
	for (unsigned int i = 0; i < vm->cfg->nr_nics; i++) {
		const struct vmm_nic *nic = &vm->cfg->nics[i];
		unsigned int queues = nic->queues ? nic->queues : vm->cfg->cpus;
		struct net_port *port;

		port = net_port_open(nic, min_t(unsigned int, queues,
						NET_MAX_QUEUES));
		dev->net[i] = port ? virtio_net_create(vm, port) : NULL;
		if (!dev->net[i])
			return -EINVAL;
	}
	return 0;
}

static int create_devices(struct vm *vm, struct devices *dev)
{
	unsigned int queues;
	int ret;

	ret = serial_init(vm);
	if (!ret)
		ret = rtc_init(vm);
	if (!ret)
		ret = i8042_init(vm);
	if (!ret)
		ret = pm_init(vm);
	if (!ret)
		ret = pci_init(vm);
	if (ret)
		return ret;

	queues = max_t(unsigned int, vm->cfg->cpus, MIN_QUEUES);
	queues = min_t(unsigned int, queues, VIRTIO_MAX_QUEUES);
	for (unsigned int i = 0; i < vm->cfg->nr_disks; i++) {
		dev->blk[i] = virtio_blk_create(vm, &vm->cfg->disks[i],
						queues);
		if (!dev->blk[i])
			return -EINVAL;
	}
	ret = create_nics(vm, dev);
	if (ret)
		return ret;
	dev->rng = virtio_rng_create(vm);
	if (!dev->rng)
		return -EINVAL;
	if (vm->cfg->control) {
		dev->balloon = virtio_balloon_create(vm);
		ret = dev->balloon ? control_init(vm, dev->balloon) : -EINVAL;
		if (ret)
			return ret;
	}
	return vfio_init(vm);
}

static void destroy_devices(struct devices *dev)
{
	virtio_balloon_destroy(dev->balloon);
	virtio_rng_destroy(dev->rng);
	for (unsigned int i = VMM_MAX_NICS; i-- > 0;)
		virtio_net_destroy(dev->net[i]);
	for (unsigned int i = VMM_MAX_DISKS; i-- > 0;)
		virtio_blk_destroy(dev->blk[i]);
}

static int create_vcpus(struct vm *vm)
{
	struct kvm_cpuid2 *supported;
	int ret = 0;

	vm->vcpus = calloc(vm->cfg->cpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return vl_error(ENOMEM, "vCPUs");
	supported = vl_kvm_supported_cpuid(vm->kvm_fd);
	if (!supported)
		return -EINVAL;
	while (!ret && vm->nr_vcpus < vm->cfg->cpus) {
		ret = vcpu_init(&vm->vcpus[vm->nr_vcpus], vm, vm->nr_vcpus,
				supported);
		vm->nr_vcpus++;
	}
	free(supported);
	return ret;
}

static int load_guest(struct vm *vm)
{
	struct boot boot;
	u64 rsdp;
	int ret;

	ret = acpi_build(&vm->mem, vm->cfg->cpus, &rsdp);
	if (!ret)
		ret = boot_load(&boot, &vm->mem, vm->cfg->kernel,
				vm->cfg->initrd, vm->cfg->cmdline, rsdp);
	return ret ? ret : vcpu_set_boot_state(&vm->vcpus[0], &boot);
}

static int start_vcpus(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < vm->nr_vcpus; i++)
		ret = vcpu_start(&vm->vcpus[i]);
	return ret;
}

static void stop_vcpus(struct vm *vm)
{
	console_release(&vm->console);
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vcpu_kick(&vm->vcpus[i]);
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vcpu_join(&vm->vcpus[i]);
}

/* Signals that end us, taken as events so that the terminal is restored. Every
 * thread inherits the mask.
 */
static int take_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? vl_error(errno, "signalfd") : fd;
}

/* The main thread's life while vCPUs run. */
static void serve(struct vm *vm, int signal_fd)
{
	struct pollfd fds[6] = {
		{ vm->wake_fd, POLLIN, 0 },
		{ signal_fd, POLLIN, 0 },
		[5] = { vfio_poll_fd(vm), POLLIN, 0 },
	};
	eventfd_t wakes;

	while (!vm_stopping(vm)) {
		int timeout = console_prepare(&vm->console, &fds[2], &fds[3]);
		int n;

		control_prepare(&vm->control, &fds[4]);
		n = poll(fds, ARRAY_SIZE(fds), timeout);

		if (n < 0)
			continue;	/* EINTR: nothing else can happen */
		if (fds[0].revents)
			eventfd_read(vm->wake_fd, &wakes);
		if (fds[1].revents)
			vm_stop(vm, VMM_QUIT);
		console_serve(&vm->console, &fds[2], &fds[3], !n);
		control_serve(&vm->control, &fds[4]);
		if (fds[5].revents)
			vfio_serve(vm);
	}
}

/* Whoever waits for the machine may have gone. */
static void tell_ready(int fd)
{
	if (!fd)
		return;
	if (write(fd, "", 1) != 1)
		fprintf(stderr, "virtlite: nobody waits for this machine\n");
	close(fd);
}

static enum vmm_status run(struct vm *vm, int signal_fd)
{
	u64 end_ns, end_tsc;

	if (start_vcpus(vm)) {
		fprintf(stderr, "virtlite: %s\n", vl_message());
		vm_stop(vm, VMM_FAILED);
	} else {
		tell_ready(vm->cfg->ready);
		serve(vm, signal_fd);
	}
	end_ns = now_ns();
	end_tsc = now_tsc();
	stop_vcpus(vm);
	console_exit(&vm->console);

	if (vm->stop == VMM_STOPPED)
		fprintf(stderr, "virtlite: %s\n", vm->stop_text);
	if (vm->cfg->summary && vm->stop != VMM_FAILED)
		summary_print(vm, vm->stop, end_ns, end_tsc);
	return vm->stop;
}

static int set_up(struct vm *vm, struct devices *dev)
{
	int ret = open_device(vm);

	if (!ret)
		ret = memory_init(&vm->mem, vm->cfg->mem);
	if (!ret)
		ret = create_vm(vm);
	if (!ret)
		ret = memory_register(&vm->mem, vm->vm_fd);
	if (!ret)
		ret = create_vcpus(vm);
	if (!ret)
		ret = create_devices(vm, dev);
	if (!ret)
		ret = load_guest(vm);
	if (!ret)
		ret = console_init(vm);
	return ret;
}

static void tear_down(struct vm *vm, struct devices *dev)
{
	console_exit(&vm->console);
	control_exit(&vm->control);
	vfio_exit(vm);
	destroy_devices(dev);
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vcpu_exit(&vm->vcpus[i]);
	free(vm->vcpus);
	irq_exit(&vm->irq);
	if (vm->vm_fd >= 0)
		close(vm->vm_fd);
	memory_exit(&vm->mem);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	if (vm->wake_fd >= 0)
		close(vm->wake_fd);
}

/**
 * vmm_run() - run a virtual machine until it ends
 * @cfg: what to run
 *
 * Takes over the terminal, the process's signals and stdout meanwhile.
 *
 * Return: why it ended; failures have been reported on stderr.
 */
enum vmm_status vmm_run(const struct vmm_config *cfg)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	enum vmm_status status = VMM_FAILED;
	struct devices dev = {};
	int signal_fd;

	if (!vm) {
		fprintf(stderr, "virtlite: out of memory\n");
		return VMM_FAILED;
	}
	vm->cfg = cfg;
	vm->stop = -1;
	vm->kvm_fd = -1;
	vm->vm_fd = -1;
	vm->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	signal_fd = take_signals();

	if (vm->wake_fd >= 0 && signal_fd >= 0 && !set_up(vm, &dev))
		status = run(vm, signal_fd);
	else
		fprintf(stderr, "virtlite: %s\n", vl_message());

	tear_down(vm, &dev);
	if (signal_fd >= 0)
		close(signal_fd);
	free(vm);
	return status;
}
