// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory read and written by the hypervisor, through the VMM's own
 * mapping of it: the caller's thread is in the VMM's address space, so a fault
 * on the way is an ordinary user fault.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "mmu_internal.h"
#include "vcpu.h"

/* How much of @len fits between @addr and the end of its page. */
static unsigned int in_page(u64 addr, unsigned int len)
{
	return min_t(unsigned int, len, PAGE_SIZE - offset_in_page(addr));
}

static void __user *slot_addr(const struct kl_memslot *slot, gpa_t gpa)
{
	return (void __user *)(kl_memslot_hva(slot, gpa >> PAGE_SHIFT) +
			       offset_in_page(gpa));
}

static struct kl_memslot *writable_slot(struct kl_vm *vm, gpa_t gpa)
{
	struct kl_memslot *slot = kl_slot_of_gfn(vm, gpa >> PAGE_SHIFT);

	return slot && !(slot->flags & KVM_MEM_READONLY) ? slot : NULL;
}

int kl_gpa_read(struct kl_vm *vm, gpa_t gpa, void *data, unsigned int len)
{
	while (len) {
		struct kl_memslot *slot = kl_slot_of_gfn(vm, gpa >> PAGE_SHIFT);
		unsigned int n = in_page(gpa, len);

		if (!slot || copy_from_user(data, slot_addr(slot, gpa), n))
			return -EFAULT;
		gpa += n;
		data += n;
		len -= n;
	}
	return 0;
}

int kl_gpa_read_entry(struct kl_vm *vm, gpa_t gpa, u64 *entry,
		      unsigned int size)
{
	struct kl_memslot *slot = kl_slot_of_gfn(vm, gpa >> PAGE_SHIFT);
	u32 low;

	if (!slot)
		return -EFAULT;
	if (size == sizeof(*entry))
		return get_user(*entry, (u64 __user *)slot_addr(slot, gpa));
	if (get_user(low, (u32 __user *)slot_addr(slot, gpa)))
		return -EFAULT;
	*entry = low;
	return 0;
}

unsigned long kl_gpa_hva(struct kl_vm *vm, gpa_t gpa)
{
	struct kl_memslot *slot = kl_slot_of_gfn(vm, gpa >> PAGE_SHIFT);

	return slot ? kl_memslot_hva(slot, gpa >> PAGE_SHIFT) +
		      offset_in_page(gpa) : 0;
}

int kl_gpa_write(struct kl_vm *vm, gpa_t gpa, const void *data,
		 unsigned int len)
{
	while (len) {
		struct kl_memslot *slot = writable_slot(vm, gpa);
		unsigned int n = in_page(gpa, len);
		unsigned long left;

		if (!slot)
			return -EFAULT;
		left = copy_to_user(slot_addr(slot, gpa), data, n);
		/* After the write: whoever clears the bit sees the data. */
		if (left < n)
			kl_slot_mark_dirty(vm, slot, gpa >> PAGE_SHIFT);
		if (left)
			return -EFAULT;
		gpa += n;
		data += n;
		len -= n;
	}
	return 0;
}

/*
 * 0 exchanged, 1 differed, -EFAULT. That the slot's addresses are user space's
 * was checked when it was made. One function per size, because the label has
 * to be unique.
 */
#define DEFINE_CMPXCHG(bits)						\
static int cmpxchg_user##bits(void __user *addr, u64 *old, u64 new)		\
{									\
	u##bits __user *p = addr;					\
	u##bits val = *old;						\
	int ret;							\
									\
	ret = __try_cmpxchg_user(p, &val, (u##bits)new, fault);		\
	*old = val;							\
	return ret;							\
}

DEFINE_CMPXCHG(8)
DEFINE_CMPXCHG(16)
DEFINE_CMPXCHG(32)
DEFINE_CMPXCHG(64)

int kl_gpa_cmpxchg(struct kl_vm *vm, gpa_t gpa, u64 *old, u64 new,
		   unsigned int len)
{
	struct kl_memslot *slot = writable_slot(vm, gpa);
	void __user *addr;
	int ret;

	if (!slot || (gpa & (len - 1)))
		return -EFAULT;
	addr = slot_addr(slot, gpa);
	switch (len) {
	case 1:
		ret = cmpxchg_user8(addr, old, new);
		break;
	case 2:
		ret = cmpxchg_user16(addr, old, new);
		break;
	case 4:
		ret = cmpxchg_user32(addr, old, new);
		break;
	case 8:
		ret = cmpxchg_user64(addr, old, new);
		break;
	default:
		return -EFAULT;
	}
	if (ret < 0)
		return ret;
	if (ret)
		return -EAGAIN;
	kl_slot_mark_dirty(vm, slot, gpa >> PAGE_SHIFT);
	return 0;
}

bool kl_gpa_has_slot(struct kl_vm *vm, gpa_t gpa)
{
	return kl_slot_of_gfn(vm, gpa >> PAGE_SHIFT);
}

bool kl_gpa_is_writable(struct kl_vm *vm, gpa_t gpa)
{
	return writable_slot(vm, gpa);
}

