// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_X86_SET_MSR_FILTER: which MSRs a guest may touch, by ranges of bitmaps.
 */

#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "kvm_uapi.h"

#include "msr_filter.h"
#include "vendor.h"
#include "vm.h"

/* A bit for each MSR of a range: 0x600 bytes, 12288 MSRs, as KVM takes. */
#define KL_MSR_BITMAP_MAX 0x600

struct kl_msr_range {
	u32 flags, base, nmsrs;
	unsigned long *bitmap;
};

/*
 * Published under vm->srcu by kl_msr_filter_set(), freed a grace period after
 * the next one took its place, or with the VM.
 */
struct kl_msr_filter {
	bool deny;
	unsigned int count;
	struct kl_msr_range range[KVM_MSR_FILTER_MAX_RANGES];
};

void kl_msr_filter_free(struct kl_msr_filter *filter)
{
	unsigned int i;

	if (!filter)
		return;
	for (i = 0; i < filter->count; i++)
		kfree(filter->range[i].bitmap);
	kfree(filter);
}

static int kl_msr_filter_add(struct kl_msr_filter *f,
			     const struct kvm_msr_filter_range *user)
{
	struct kl_msr_range *r = &f->range[f->count];
	size_t bytes;

	if (!user->nmsrs)
		return 0;
	if (!user->flags || (user->flags & ~KVM_MSR_FILTER_RANGE_VALID_MASK))
		return -EINVAL;
	bytes = BITS_TO_LONGS(user->nmsrs) * sizeof(long);
	if (bytes > KL_MSR_BITMAP_MAX)
		return -EINVAL;
	r->bitmap = kmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!r->bitmap)
		return -ENOMEM;
	if (copy_from_user(r->bitmap, (void __user *)user->bitmap, bytes)) {
		kfree(r->bitmap);
		return -EFAULT;
	}
	r->flags = user->flags;
	r->base = user->base;
	r->nmsrs = user->nmsrs;
	f->count++;
	return 0;
}

static long kl_msr_filter_install(struct kl_vm *vm,
				  const struct kvm_msr_filter *spec)
{
	struct kl_msr_filter *f, *old;
	struct kl_vcpu *vcpu;
	bool empty = true;
	unsigned long id;
	unsigned int i;
	long ret = 0;

	if (spec->flags & ~KVM_MSR_FILTER_VALID_MASK)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(spec->ranges); i++)
		empty &= !spec->ranges[i].nmsrs;

	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	f->deny = spec->flags & KVM_MSR_FILTER_DEFAULT_DENY;
	/* Denying everything without an exception would be a mistake. */
	if (empty && f->deny)
		ret = -EINVAL;
	for (i = 0; !ret && i < ARRAY_SIZE(spec->ranges); i++)
		ret = kl_msr_filter_add(f, &spec->ranges[i]);
	if (ret) {
		kl_msr_filter_free(f);
		return ret;
	}

	mutex_lock(&vm->lock);
	old = rcu_replace_pointer(vm->msr_filter, f, lockdep_is_held(&vm->lock));
	kl_for_each_vcpu(id, vcpu, vm) {
		kl_request(vcpu, KL_REQ_MSR_FILTER);
		kl_vcpu_kick(vcpu);
	}
	mutex_unlock(&vm->lock);
	synchronize_srcu(&vm->srcu);
	kl_msr_filter_free(old);
	return 0;
}

long kl_msr_filter_set(struct kl_vm *vm, struct kvm_msr_filter __user *user)
{
	struct kvm_msr_filter *spec;
	long ret;

	spec = memdup_user(user, sizeof(*spec));
	if (IS_ERR(spec))
		return PTR_ERR(spec);
	ret = kl_msr_filter_install(vm, spec);
	kfree(spec);
	return ret;
}

#ifdef CONFIG_COMPAT
long kl_msr_filter_set_compat(struct kl_vm *vm,
			      struct kl_compat_msr_filter __user *user)
{
	const struct kl_compat_msr_range *r;
	struct kl_compat_msr_filter *narrow;
	struct kvm_msr_filter *spec;
	unsigned int i;
	long ret;

	narrow = memdup_user(user, sizeof(*narrow));
	if (IS_ERR(narrow))
		return PTR_ERR(narrow);
	spec = kzalloc(sizeof(*spec), GFP_KERNEL_ACCOUNT);
	if (!spec) {
		kfree(narrow);
		return -ENOMEM;
	}
	spec->flags = narrow->flags;
	for (i = 0; i < ARRAY_SIZE(spec->ranges); i++) {
		r = &narrow->ranges[i];
		spec->ranges[i] = (struct kvm_msr_filter_range){
			.flags = r->flags,
			.nmsrs = r->nmsrs,
			.base = r->base,
			.bitmap = (__force __u8 *)compat_ptr(r->bitmap),
		};
	}
	ret = kl_msr_filter_install(vm, spec);
	kfree(spec);
	kfree(narrow);
	return ret;
}
#endif

bool kl_msr_allowed(struct kl_vcpu *vcpu, u32 index, u32 type)
{
	struct kl_msr_filter *f;
	struct kl_msr_range *r;
	unsigned int i;

	f = srcu_dereference_check(vcpu->vm->msr_filter, &vcpu->vm->srcu,
				   lockdep_is_held(&vcpu->vm->lock));
	/* x2APIC registers are always the guest's: KVM's rule. */
	if (!f || (index >= 0x800 && index <= 0x8ff))
		return true;
	for (i = 0; i < f->count; i++) {
		r = &f->range[i];
		if ((r->flags & type) && index - r->base < r->nmsrs)
			return test_bit(array_index_nospec(index - r->base, r->nmsrs),
					r->bitmap);
	}
	return !f->deny;
}
