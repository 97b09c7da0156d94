// SPDX-License-Identifier: GPL-2.0
/*
 * Counters in debugfs: kvmlite/<pid of creator>-<serial>/vcpuN, and memory
 * of the VM's tables beside them.
 */

#include <linux/debugfs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "stats.h"
#include "vm.h"
#include "vcpu.h"

static struct dentry *kl_debugfs;
static atomic_t kl_vm_serial = ATOMIC_INIT(0);

static int kl_vcpu_stats_show(struct seq_file *m, void *unused)
{
	struct kl_vcpu *vcpu = m->private;

#define KL_STAT(name) \
	seq_printf(m, "%-20s %llu\n", #name, READ_ONCE(vcpu->stats.name))
#include "stats_list.h"
#undef KL_STAT
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kl_vcpu_stats);

static int kl_vm_stats_show(struct seq_file *m, void *unused)
{
	struct kl_vm *vm = m->private;

	seq_printf(m, "%-20s %u\n", "vcpus", READ_ONCE(vm->nr_vcpus));
	seq_printf(m, "%-20s %ld\n", "tables", atomic_long_read(&vm->mmu.nr_tables));
	seq_printf(m, "%-20s %ld\n", "pages_4k", atomic_long_read(&vm->mmu.nr_leaves[0]));
	seq_printf(m, "%-20s %ld\n", "pages_2m", atomic_long_read(&vm->mmu.nr_leaves[1]));
	seq_printf(m, "%-20s %ld\n", "pages_1g", atomic_long_read(&vm->mmu.nr_leaves[2]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kl_vm_stats);

/*
 * kvmlite/NAME/dead: whether kl_vm_kill() has struck; writing 1 does it, which is
 * how its consequences are tested.
 */
static int kl_vm_dead_get(void *data, u64 *val)
{
	struct kl_vm *vm = data;

	*val = READ_ONCE(vm->dead);
	return 0;
}

static int kl_vm_dead_set(void *data, u64 val)
{
	if (val != 1)
		return -EINVAL;
	kl_vm_kill(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(kl_vm_dead_fops, kl_vm_dead_get, kl_vm_dead_set, "%llu\n");

void kl_stats_add_vm(struct kl_vm *vm)
{
	char name[32];

	snprintf(name, sizeof(name), "%d-%d", task_pid_nr(current),
		 atomic_inc_return(&kl_vm_serial));
	vm->debugfs = debugfs_create_dir(name, kl_debugfs);
	debugfs_create_file("vm", 0400, vm->debugfs, vm, &kl_vm_stats_fops);
	debugfs_create_file("dead", 0600, vm->debugfs, vm, &kl_vm_dead_fops);
}

void kl_stats_del_vm(struct kl_vm *vm)
{
	/* Waits for readers, so that none sees a vCPU that is being freed. */
	debugfs_remove(vm->debugfs);
	vm->debugfs = NULL;
}

void kl_stats_add_vcpu(struct kl_vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	vcpu->debugfs = debugfs_create_file(name, 0400, vcpu->vm->debugfs, vcpu,
					    &kl_vcpu_stats_fops);
}

void kl_stats_init(void)
{
	kl_debugfs = debugfs_create_dir("kvmlite", NULL);
}

void kl_stats_exit(void)
{
	debugfs_remove(kl_debugfs);
}
