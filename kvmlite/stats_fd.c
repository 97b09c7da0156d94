// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_STATS_FD: the counters of stats_list.h in a form that describes
 * itself. The layout of the file is Documentation/virt/kvm/api.rst's: header,
 * id, descriptors, values.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "stats.h"
#include "vcpu.h"
#include "vm.h"

#define NAME_SIZE	48

/* struct kvm_stats_desc, whose name is of any length in some headers. */
struct stat_desc {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[NAME_SIZE];
};

#define NR_VCPU_STATS	(sizeof(struct kl_vcpu_stats) / sizeof(u64))
#define NR_VM_STATS	5

static void vcpu_names(const char **name)
{
#define KL_STAT(n) *name++ = #n
#include "stats_list.h"
#undef KL_STAT
}

/* In the order in which vm_values() has them. */
static const char * const vm_names[NR_VM_STATS] = {
	"vcpus", "tables", "pages_4k", "pages_2m", "pages_1g",
};

static void vm_values(struct kl_vm *vm, u64 *value)
{
	unsigned int i;

	*value++ = READ_ONCE(vm->nr_vcpus);
	*value++ = atomic_long_read(&vm->mmu.nr_tables);
	for (i = 0; i < ARRAY_SIZE(vm->mmu.nr_leaves); i++)
		*value++ = atomic_long_read(&vm->mmu.nr_leaves[i]);
}

/* The whole file is a few kilobytes: made anew for each read. */
static ssize_t stats_read(char __user *to, size_t len, loff_t *pos,
			  struct kl_vm *vm, struct kl_vcpu *vcpu)
{
	unsigned int n = vcpu ? NR_VCPU_STATS : NR_VM_STATS, i;
	const char *names[NR_VCPU_STATS];
	struct kvm_stats_header *head;
	struct stat_desc *desc;
	size_t size;
	ssize_t ret;
	char *id;

	size = sizeof(*head) + NAME_SIZE + n * (sizeof(*desc) + sizeof(u64));
	head = kzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!head)
		return -ENOMEM;
	head->name_size = NAME_SIZE;
	head->num_desc = n;
	head->id_offset = sizeof(*head);
	head->desc_offset = head->id_offset + NAME_SIZE;
	head->data_offset = head->desc_offset + n * sizeof(*desc);
	id = (char *)head + head->id_offset;
	if (vcpu) {
		snprintf(id, NAME_SIZE, "kvm-%d/vcpu-%u", vm->creator, vcpu->id);
		vcpu_names(names);
		memcpy((void *)head + head->data_offset, &vcpu->stats,
		       sizeof(vcpu->stats));
	} else {
		snprintf(id, NAME_SIZE, "kvm-%d", vm->creator);
		memcpy(names, vm_names, sizeof(vm_names));
		vm_values(vm, (void *)head + head->data_offset);
	}
	desc = (void *)head + head->desc_offset;
	for (i = 0; i < n; i++) {
		desc[i].flags = KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10 |
				(vcpu ? KVM_STATS_TYPE_CUMULATIVE :
					KVM_STATS_TYPE_INSTANT);
		desc[i].size = 1;
		desc[i].offset = i * sizeof(u64);
		strscpy(desc[i].name, names[i], NAME_SIZE);
	}
	ret = simple_read_from_buffer(to, len, pos, head, size);
	kfree(head);
	return ret;
}

static ssize_t vm_stats_read(struct file *file, char __user *to, size_t len,
			     loff_t *pos)
{
	return stats_read(to, len, pos, file->private_data, NULL);
}

static int vm_stats_release(struct inode *inode, struct file *file)
{
	kl_vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_stats_fops = {
	.owner = THIS_MODULE,
	.read = vm_stats_read,
	.release = vm_stats_release,
	.llseek = default_llseek,
};

static ssize_t vcpu_stats_read(struct file *file, char __user *to, size_t len,
			       loff_t *pos)
{
	struct kl_vcpu *vcpu = file->private_data;

	return stats_read(to, len, pos, vcpu->vm, vcpu);
}

static int vcpu_stats_release(struct inode *inode, struct file *file)
{
	struct kl_vcpu *vcpu = file->private_data;

	kl_vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_stats_fops = {
	.owner = THIS_MODULE,
	.read = vcpu_stats_read,
	.release = vcpu_stats_release,
	.llseek = default_llseek,
};

long kl_stats_fd(struct kl_vm *vm, struct kl_vcpu *vcpu)
{
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	/* The file's; a vCPU lives as long as its VM. */
	kl_vm_get(vm);
	if (vcpu)
		file = anon_inode_getfile("kvm-vcpu-stats", &vcpu_stats_fops,
					  vcpu, O_RDONLY);
	else
		file = anon_inode_getfile("kvm-vm-stats", &vm_stats_fops, vm,
					  O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		kl_vm_put(vm);
		return PTR_ERR(file);
	}
	file->f_mode |= FMODE_PREAD;
	fd_install(fd, file);
	return fd;
}
