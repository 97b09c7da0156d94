/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_VIRTLITE_VGPU_GUEST_H
#define _UAPI_VIRTLITE_VGPU_GUEST_H

/*
 * /dev/vgpu_guestN: a slice to compute on, as a program inside the guest uses it. What
 * commands there are is in vgpu_isa.h. A file has buffers of its own, in memory or in
 * VRAM, zeroed, and the queues that it has started. Addresses in its commands are
 * those of its buffers, anything else is refused: programs that have the node open
 * see nothing of one another.
 *
 * Every struct begins with its own size as the caller knows it, and is written back,
 * of calls that fail as well. Errors that every call has, beside its own:
 *
 * ENOTTY      this kernel does not know the call
 * E2BIG       @size is larger than what this kernel knows, and what is beyond
 *             is not zero
 * EINVAL      @size is too small, a flag is unknown, a reserved field is not 0
 * EFAULT      a pointer leads nowhere
 * ENODEV      the slice is gone. Its buffers are, too: who touches one gets SIGBUS
 */

#include <linux/const.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define VGPU_GUEST_MAGIC 0xba

#define VGPU_GUEST_MAX_BUFFERS	64
#define VGPU_GUEST_MAX_MEMORY	0x400000	/* bytes of one that is not in VRAM */
#define VGPU_GUEST_ORDER_MIN	2
#define VGPU_GUEST_ORDER_MAX	13

/**
 * struct vgpu_guest_info - ioctl(VGPU_GUEST_INFO): what slice this is
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @version: VGPU_REG_VERSION of the slice
 * @features: VGPU_HAS_* of the slice
 * @queues: how many it has
 * @pad: 0
 * @vram_bytes: VRAM
 * @vram_free: of that, in no buffer now; not necessarily in one piece
 *
 * Return: 0.
 */
struct vgpu_guest_info {
	__u32 size;
	__u32 flags;
	__u32 version;
	__u32 features;
	__u32 queues;
	__u32 pad;
	__aligned_u64 vram_bytes;
	__aligned_u64 vram_free;
};

#define VGPU_GUEST_INFO _IO(VGPU_GUEST_MAGIC, 0x00)

#define VGPU_GUEST_VRAM		(1U << 0)

/**
 * struct vgpu_guest_alloc - ioctl(VGPU_GUEST_ALLOC): make a buffer, all zeroes
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VGPU_GUEST_VRAM: in VRAM, else in memory
 * @bytes: how large, rounded up to whole pages on return
 * @addr: set to its address in commands
 * @offset: set to what mmap() wants to map it
 *
 * It lives until VGPU_GUEST_FREE, or until the file is closed and not mapped any more.
 *
 * Return: 0, -EINVAL if @bytes is 0 or more than VGPU_GUEST_MAX_MEMORY in memory,
 * -ENOSPC if there is no piece of VRAM like this or the file has
 * VGPU_GUEST_MAX_BUFFERS, -ENOMEM, -EINTR.
 */
struct vgpu_guest_alloc {
	__u32 size;
	__u32 flags;
	__aligned_u64 bytes;
	__aligned_u64 addr;
	__aligned_u64 offset;
};

#define VGPU_GUEST_ALLOC _IO(VGPU_GUEST_MAGIC, 0x01)

/**
 * struct vgpu_guest_free - ioctl(VGPU_GUEST_FREE): end a buffer
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @addr: its address
 *
 * Return: 0, -ENOENT if the file has none there, -EBUSY if it is mapped or the file
 * has a queue with work.
 */
struct vgpu_guest_free {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
};

#define VGPU_GUEST_FREE _IO(VGPU_GUEST_MAGIC, 0x02)

/**
 * struct vgpu_guest_start - ioctl(VGPU_GUEST_START): set a queue up, or up anew
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @queue: its number
 * @order: log2 of the commands that fit in its ring, VGPU_GUEST_ORDER_MIN to _MAX
 * @error: VGPU_ERR_* if the slice has refused
 * @pad: 0
 *
 * It belongs to the file until that is closed. Whatever it did is stopped, and those
 * who wait for it get ECANCELED; jobs are numbered from 1 again.
 *
 * Return: 0, -ENOENT if the slice has no such queue, -EINVAL for @order, -EBUSY if
 * another file has it, -EIO with @error, -ENOMEM.
 */
struct vgpu_guest_start {
	__u32 size;
	__u32 flags;
	__u32 queue;
	__u32 order;
	__u32 error;
	__u32 pad;
};

#define VGPU_GUEST_START _IO(VGPU_GUEST_MAGIC, 0x03)

/**
 * struct vgpu_guest_submit - ioctl(VGPU_GUEST_SUBMIT): have commands executed
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @queue: of this file
 * @count: of commands, 0 to one less than fit in the ring
 * @cmds_ptr: struct vgpu_cmd, as many
 * @job: set to the number of this job
 * @bad: set to the command that was refused, if one was
 * @pad: 0
 *
 * All of them are taken or none. The queue's fence is the driver's: a FENCE of the
 * caller does nothing but store its value, if it is to store it.
 *
 * Return: 0; -ENOENT if the queue is not this file's; -EINVAL for @count; -EAGAIN if
 * the ring has no room now: wait for a job; -EIO if the queue is halted; -EPROTO if
 * the slice has answered nonsense before; with @bad set: -EOPNOTSUPP for a command that
 * is not known, -EINVAL for its flags or numbers, -ERANGE for an address that is in no
 * buffer of this file with all that the command touches; -ENOMEM.
 */
struct vgpu_guest_submit {
	__u32 size;
	__u32 flags;
	__u32 queue;
	__u32 count;
	__aligned_u64 cmds_ptr;
	__aligned_u64 job;
	__u32 bad;
	__u32 pad;
};

#define VGPU_GUEST_SUBMIT _IO(VGPU_GUEST_MAGIC, 0x04)

/**
 * struct vgpu_guest_wait - ioctl(VGPU_GUEST_WAIT): wait until a job is done
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @queue: of this file
 * @error: set to VGPU_ERR_* that has halted the queue, or 0
 * @job: number of the job
 * @timeout: CLOCK_MONOTONIC, ns: not longer than until then; ~0: for ever
 * @done: set to the last job that is done
 * @commands: set to how many commands of jobs are done, if the queue is halted: the
 *	number, from 0, of the one that failed
 *
 * Return: 0, -ENOENT if the queue is not this file's, -EINVAL if there is no such job yet,
 * -ETIMEDOUT, -EIO if the queue is halted before it, -ECANCELED if it was started anew
 * meanwhile, -EPROTO if the slice answers nonsense, -EINTR.
 */
struct vgpu_guest_wait {
	__u32 size;
	__u32 flags;
	__u32 queue;
	__u32 error;
	__aligned_u64 job;
	__aligned_u64 timeout;
	__aligned_u64 done;
	__aligned_u64 commands;
};

#define VGPU_GUEST_WAIT _IO(VGPU_GUEST_MAGIC, 0x05)

#endif
