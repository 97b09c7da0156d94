/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_VIRTLITE_VGPU_H
#define _UAPI_VIRTLITE_VGPU_H

/*
 * /dev/vgpu makes GPUs that are sliced: each is the parent of mediated devices,
 * which are made and removed through sysfs (mdev_supported_types/vgpu-1ofN) and
 * used through VFIO. What a slice's driver sees is in vgpu_isa.h.
 *
 * Every struct begins with its own size as the caller knows it. A call that is
 * unknown fails with ENOTTY, a struct that is longer than the kernel's with
 * non-zero bytes at its end with E2BIG, an unknown value of a known field with
 * EOPNOTSUPP, an unknown flag, a non-zero padding field or a bad number with
 * EINVAL. Every call but VGPU_GET_INFO needs CAP_SYS_ADMIN in the initial user
 * namespace, or fails with EPERM. A struct that cannot be read or written fails
 * with EFAULT; a wait that a fatal signal ends, with EINTR.
 *
 * Where a struct has @msg_ptr and @msg_len, a call that fails writes one line
 * of text there, NUL-terminated and cut to fit, that says what was wrong.
 *
 * A GPU is named by its number, @id, a slice by its GPU's and its own, @slice.
 * Numbers are used again: @seq, different for every slice since the module was
 * loaded, tells one from its successor. A call with a @seq other than 0 that does
 * not match fails with ENOENT.
 */

#include <linux/const.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define VGPU_MAGIC 0xb9

#define VGPU_CONTROL_PATH "/dev/vgpu"

/* A GPU is cut in units of a sixteenth of its VRAM. */
#define VGPU_UNITS		16
#define VGPU_MAX_SLICES		16

#define VGPU_FEATURE_DISPLAY	_BITULL(0)
#define VGPU_FEATURE_COMPUTE	_BITULL(1)
#define VGPU_FEATURE_DMABUF	_BITULL(2)
#define VGPU_FEATURE_EVENTS	_BITULL(3)
#define VGPU_FEATURE_LOG	_BITULL(4)

/**
 * struct vgpu_info - ioctl(VGPU_GET_INFO)
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @features: VGPU_FEATURE_*
 * @max_gpus: most GPUs at a time; numbers are below this
 * @max_engines: most engines of a GPU
 * @nr_gpus: GPUs that there are now
 * @isa_version: VGPU_ISA_VERSION of vgpu_isa.h
 * @min_vram: smallest VRAM of a GPU, in bytes
 * @max_vram: largest
 * @build: the module's source version, NUL-terminated; empty if not recorded
 *
 * Return: 0.
 */
struct vgpu_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 features;
	__u32 max_gpus;
	__u32 max_engines;
	__u32 nr_gpus;
	__u32 isa_version;
	__aligned_u64 min_vram;
	__aligned_u64 max_vram;
	__u8 build[32];
};

#define VGPU_GET_INFO _IO(VGPU_MAGIC, 0x00)

/* Who gets the engine. Shares are of one engine's time. */
#define VGPU_POLICY_BEST_EFFORT	0	/* by weight among those who have work; never idle */
#define VGPU_POLICY_EQUAL	1	/* the same for each open slice, used or not */
#define VGPU_POLICY_FIXED	2	/* @share of each slice, or that of its VRAM; used or not */
#define VGPU_POLICY_PRIORITY	3	/* the highest priority first, by weight within it */
#define VGPU_NR_POLICIES	4

/* What engine time is. */
#define VGPU_CLOCK_REAL		0	/* CLOCK_MONOTONIC, from the grant of a turn to its end */
#define VGPU_CLOCK_VIRTUAL	1	/* one ns for each work unit: deterministic */

/* SPIN, SPIN_FOREVER and FAULT are commands, which they are not without. */
#define VGPU_CREATE_TESTS	(1U << 0)

/**
 * struct vgpu_create - ioctl(VGPU_CREATE): make a GPU
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VGPU_CREATE_TESTS or 0
 * @id: number, or -1 for the lowest one that is free; its number on return
 * @engines: how many engines, 1 to 8; a slice has a queue for each. 0: 1
 * @vram: bytes, a power of two; it is allocated when it is used
 * @policy: VGPU_POLICY_*
 * @clock: VGPU_CLOCK_*
 * @quantum: longest turn of a slice in ns, 50 us to 1 s; 0: 1 ms
 * @preempt_timeout: how long after its turn a slice may keep the engine in ns, 1 ms
 *	to 60 s, before it is reset; 0: 640 ms
 * @job_timeout: engine time that one command may take in ns, before its slice is
 *	reset; on the real clock without what its thread waits for a CPU. 0: no limit
 * @msg_ptr: address of a buffer for a message, or 0
 * @msg_len: its size in bytes
 * @paused: 1: the engines rest until VGPU_SET says otherwise
 *
 * The GPU's device is /sys/class/vgpu/vgpuN; it stays until VGPU_DELETE, the module
 * cannot be unloaded before.
 *
 * Return: 0, -EBUSY if the number is in use, -ENOSPC if all are, -ENOMEM, -EINVAL,
 * -EOPNOTSUPP for an unknown @policy or @clock.
 */
struct vgpu_create {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 engines;
	__aligned_u64 vram;
	__u32 policy;
	__u32 clock;
	__aligned_u64 quantum;
	__aligned_u64 preempt_timeout;
	__aligned_u64 job_timeout;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 paused;
};

#define VGPU_CREATE _IO(VGPU_MAGIC, 0x01)

/* Remove its slices, too: asks their users to let go, and waits until they have. */
#define VGPU_DELETE_FORCE	(1U << 0)

/**
 * struct vgpu_delete - ioctl(VGPU_DELETE): end a GPU
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VGPU_DELETE_FORCE or 0
 * @id: number
 * @msg_len: size of the message buffer in bytes
 * @msg_ptr: address of a buffer for a message, or 0
 *
 * Return: 0, -ENOENT, -EBUSY if it has slices.
 */
struct vgpu_delete {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 msg_len;
	__aligned_u64 msg_ptr;
};

#define VGPU_DELETE _IO(VGPU_MAGIC, 0x02)

/* The one with the lowest number that is not below the one given. */
#define VGPU_QUERY_NEXT		(1U << 0)

/**
 * struct vgpu_query - ioctl(VGPU_QUERY): what a GPU is
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VGPU_QUERY_NEXT or 0
 * @id: number; all that follows is written only
 * @engines: how many
 * @vram: bytes
 * @policy: VGPU_POLICY_*
 * @clock: VGPU_CLOCK_*
 * @quantum: ns
 * @preempt_timeout: ns
 * @job_timeout: ns, 0: none
 * @paused: 1 if the engines rest
 * @free_units: of VGPU_UNITS, not in a slice
 * @slices: bit mask of the slices there are, by number
 * @open: bit mask of those that are open
 * @vram_used: bytes that are allocated now
 * @now: time on the GPU's clock in ns
 * @busy: engine time used by all slices on all engines since it was made, in ns
 * @units: the same in work units
 * @dispatches: turns
 *
 * Return: 0, -ENOENT.
 */
struct vgpu_query {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 engines;
	__aligned_u64 vram;
	__u32 policy;
	__u32 clock;
	__aligned_u64 quantum;
	__aligned_u64 preempt_timeout;
	__aligned_u64 job_timeout;
	__u32 paused;
	__u32 free_units;
	__u32 slices;
	__u32 open;
	__aligned_u64 vram_used;
	__aligned_u64 now;
	__aligned_u64 busy;
	__aligned_u64 units;
	__aligned_u64 dispatches;
};

#define VGPU_QUERY _IO(VGPU_MAGIC, 0x03)

#define VGPU_SET_POLICY			(1U << 0)
#define VGPU_SET_QUANTUM		(1U << 1)
#define VGPU_SET_PREEMPT_TIMEOUT	(1U << 2)
#define VGPU_SET_JOB_TIMEOUT		(1U << 3)
#define VGPU_SET_PAUSED			(1U << 4)

/**
 * struct vgpu_set - ioctl(VGPU_SET): change a GPU while it runs
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VGPU_SET_*: which of the following to change; the others must be 0
 * @id: number
 * @policy: VGPU_POLICY_*
 * @quantum: ns, as in struct vgpu_create but not 0
 * @preempt_timeout: ns, likewise
 * @job_timeout: ns; 0: no limit
 * @paused: 1 or 0
 * @msg_len: size of the message buffer in bytes
 * @msg_ptr: address of a buffer for a message, or 0
 *
 * Return: 0, -ENOENT, -EINVAL, -EOPNOTSUPP; -ENOSPC if the policy would be
 * VGPU_POLICY_FIXED and the slices' shares are more than the whole.
 */
struct vgpu_set {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 policy;
	__aligned_u64 quantum;
	__aligned_u64 preempt_timeout;
	__aligned_u64 job_timeout;
	__u32 paused;
	__u32 msg_len;
	__aligned_u64 msg_ptr;
};

#define VGPU_SET _IO(VGPU_MAGIC, 0x04)

#define VGPU_PERSONALITY_COMPUTE	0
#define VGPU_PERSONALITY_DISPLAY	1

/* How a display slice's picture is handed out. */
#define VGPU_DISPLAY_REGION		0	/* a VFIO region to be mapped */
#define VGPU_DISPLAY_DMABUF		1

#define VGPU_DEFAULT_WEIGHT		1024
#define VGPU_MAX_WEIGHT			1048576
#define VGPU_MAX_PRIORITY		7
#define VGPU_WHOLE_SHARE		10000
#define VGPU_DEFAULT_IRQ_LIMIT		20000

/* Flags of a slice. */
#define VGPU_SLICE_OPEN			(1U << 0)
#define VGPU_SLICE_REMOVING		(1U << 1)

/**
 * struct vgpu_slice - ioctl(VGPU_SLICE): what a slice is
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VGPU_QUERY_NEXT or 0
 * @id: number of the GPU
 * @slice: number of the slice
 * @seq: of the slice, or 0; without meaning on input with VGPU_QUERY_NEXT. All that
 *	follows is written only
 * @uuid: of the mediated device, as 16 bytes in the order in which they are printed
 * @units: of VGPU_UNITS: its type
 * @state: VGPU_SLICE_OPEN, VGPU_SLICE_REMOVING
 * @vram: bytes
 * @vram_used: bytes that are allocated now
 * @carveout: bytes of VRAM that the display has
 * @personality: VGPU_PERSONALITY_*
 * @display: VGPU_DISPLAY_*
 * @width: of the preferred mode in its EDID
 * @height: likewise
 * @weight: 1 to VGPU_MAX_WEIGHT
 * @share: of VGPU_WHOLE_SHARE; 0: that of its VRAM
 * @priority: 0 to VGPU_MAX_PRIORITY, the highest
 * @doorbell_limit: doorbells a second above which it is held up; 0: no limit
 * @irq_limit: interrupts a second above which they are held up; 0: no limit, so that
 *	a user whose eventfd unmasks itself keeps the host busy; a new slice has
 *	VGPU_DEFAULT_IRQ_LIMIT
 * @fault_limit: faults a minute above which it is halted for a minute; 0: no limit
 * @pid: of the process that has it open, as the caller sees it, or 0
 * @pad: 0
 *
 * Return: 0, -ENOENT.
 */
struct vgpu_slice {
	__u32 size;
	__u32 flags;
	__s32 id;
	__s32 slice;
	__aligned_u64 seq;
	__u8 uuid[16];
	__u32 units;
	__u32 state;
	__aligned_u64 vram;
	__aligned_u64 vram_used;
	__aligned_u64 carveout;
	__u32 personality;
	__u32 display;
	__u32 width;
	__u32 height;
	__u32 weight;
	__u32 share;
	__u32 priority;
	__u32 doorbell_limit;
	__u32 irq_limit;
	__u32 fault_limit;
	__s32 pid;
	__u32 pad;
};

#define VGPU_SLICE _IO(VGPU_MAGIC, 0x05)

/* At any time */
#define VGPU_SLICE_WEIGHT		(1U << 0)
#define VGPU_SLICE_SHARE		(1U << 1)
#define VGPU_SLICE_PRIORITY		(1U << 2)
#define VGPU_SLICE_DOORBELL_LIMIT	(1U << 3)
#define VGPU_SLICE_IRQ_LIMIT		(1U << 4)
#define VGPU_SLICE_FAULT_LIMIT		(1U << 5)
/* While it is not open */
#define VGPU_SLICE_PERSONALITY		(1U << 6)
#define VGPU_SLICE_DISPLAY		(1U << 7)
#define VGPU_SLICE_MODE			(1U << 8)	/* width and height */
#define VGPU_SLICE_CARVEOUT		(1U << 9)

/**
 * struct vgpu_slice_set - ioctl(VGPU_SLICE_SET): change a slice
 * @size: size of this struct in the caller's view, in bytes
 * @flags: VGPU_SLICE_*: which of the following to change; the others must be 0
 * @id: number of the GPU
 * @slice: number of the slice
 * @seq: of the slice, or 0
 * @weight: as in struct vgpu_slice, as are all that follow
 * @share: likewise
 * @priority: likewise
 * @doorbell_limit: likewise
 * @irq_limit: likewise
 * @fault_limit: likewise
 * @personality: likewise; a new slice is VGPU_PERSONALITY_COMPUTE
 * @display: likewise
 * @width: 320 to 4088, a multiple of 8
 * @height: 200 to 4088
 * @carveout: bytes, a multiple of 64 KiB up to its VRAM, at least 64 KiB; a new slice
 *	has the lesser of 16 MiB and half of its VRAM
 * @msg_ptr: address of a buffer for a message, or 0
 * @msg_len: its size in bytes
 * @pad: 0
 *
 * All or nothing. The same is in sysfs: /sys/bus/mdev/devices/UUID/vgpu/.
 *
 * Return: 0, -ENOENT, -EINVAL, -EOPNOTSUPP for an unknown @personality or @display,
 * -EBUSY if it is open and must not be, -ENOSPC if the policy is VGPU_POLICY_FIXED
 * and all shares together would be more than the whole.
 */
struct vgpu_slice_set {
	__u32 size;
	__u32 flags;
	__s32 id;
	__s32 slice;
	__aligned_u64 seq;
	__u32 weight;
	__u32 share;
	__u32 priority;
	__u32 doorbell_limit;
	__u32 irq_limit;
	__u32 fault_limit;
	__u32 personality;
	__u32 display;
	__u32 width;
	__u32 height;
	__aligned_u64 carveout;
	__aligned_u64 msg_ptr;
	__u32 msg_len;
	__u32 pad;
};

#define VGPU_SLICE_SET _IO(VGPU_MAGIC, 0x06)

/**
 * struct vgpu_stats - ioctl(VGPU_STATS): what a slice has done since it was made
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @id: number of the GPU
 * @slice: number of the slice
 * @seq: of the slice, or 0
 * @engine: of which engine, or -1: of all together
 * @pad: 0
 * @now: time on the GPU's clock in ns
 * @busy: engine time in ns
 * @units: work units: what the commands executed are worth, see vgpu-isa.rst
 * @wait: time with work and without the engine in ns
 * @commands: completed
 * @turns: how often it got the engine
 * @preemptions: turns that ended with work left
 * @overruns: turns that ended later than a checkpoint after they should have
 * @revoked: turns that were ended because it could not be reached
 * @faults: commands that failed
 * @hangs: commands that were stopped because they took too long; in @faults, too
 * @debt: engine time used beyond what it had a right to, in ns: negative if less.
 *	Only with a fixed or equal share
 * @resets: of the slice, by whom ever; for all engines together, as all that follow
 * @doorbells: rung
 * @irqs: sent
 * @doorbell_storms: times that doorbells were held up
 * @irq_storms: times that interrupts were held up
 * @fault_storms: times that it was halted for its faults
 *
 * Return: 0, -ENOENT, -EINVAL if there is no such engine.
 */
struct vgpu_stats {
	__u32 size;
	__u32 flags;
	__s32 id;
	__s32 slice;
	__aligned_u64 seq;
	__s32 engine;
	__u32 pad;
	__aligned_u64 now;
	__aligned_u64 busy;
	__aligned_u64 units;
	__aligned_u64 wait;
	__aligned_u64 commands;
	__aligned_u64 turns;
	__aligned_u64 preemptions;
	__aligned_u64 overruns;
	__aligned_u64 revoked;
	__aligned_u64 faults;
	__aligned_u64 hangs;
	__s64 debt;
	__aligned_u64 resets;
	__aligned_u64 doorbells;
	__aligned_u64 irqs;
	__aligned_u64 doorbell_storms;
	__aligned_u64 irq_storms;
	__aligned_u64 fault_storms;
};

#define VGPU_STATS _IO(VGPU_MAGIC, 0x07)

/* Why a turn ended. */
#define VGPU_TURN_DONE		0	/* no work left */
#define VGPU_TURN_QUANTUM	1	/* its time was up */
#define VGPU_TURN_WAIT		2	/* an ACQUIRE waits */
#define VGPU_TURN_FAULT		3	/* a command failed */
#define VGPU_TURN_HANG		4	/* stopped */
#define VGPU_TURN_REVOKED	5	/* it could not be reached */
#define VGPU_TURN_STOPPED	6	/* the queue or the slice was reset or closed */

/**
 * struct vgpu_turn - a line of the scheduler's log
 * @start: on the GPU's clock, ns
 * @end: likewise
 * @units: work units
 * @slice_seq: whose turn
 * @slice: its number
 * @engine: which engine
 * @reason: VGPU_TURN_*
 * @pad: 0
 */
struct vgpu_turn {
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 units;
	__aligned_u64 slice_seq;
	__s32 slice;
	__u32 engine;
	__u32 reason;
	__u32 pad;
};

/**
 * struct vgpu_log - ioctl(VGPU_LOG): read the scheduler's log
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @id: number of the GPU
 * @count: turns that fit into the buffer; on return, those that were written
 * @buf_ptr: address of an array of struct vgpu_turn
 * @from: number of the first turn wanted, 0 is the first of all; on return, of the
 *	next one to ask for
 * @lost: on return, turns from @from on that were too old to be kept
 *
 * A GPU keeps its last 4096 turns, in the order in which they ended.
 *
 * Return: 0, -ENOENT, -EFAULT.
 */
struct vgpu_log {
	__u32 size;
	__u32 flags;
	__s32 id;
	__u32 count;
	__aligned_u64 buf_ptr;
	__aligned_u64 from;
	__aligned_u64 lost;
};

#define VGPU_LOG _IO(VGPU_MAGIC, 0x08)

#define VGPU_EVENT_GPU_ADDED		1
#define VGPU_EVENT_GPU_REMOVED		2
#define VGPU_EVENT_SLICE_ADDED		3	/* arg: units */
#define VGPU_EVENT_SLICE_REMOVED	4
#define VGPU_EVENT_OPENED		5
#define VGPU_EVENT_CLOSED		6
#define VGPU_EVENT_HANG			7	/* arg: engine; its slice is reset */
#define VGPU_EVENT_RESET		8	/* arg: VGPU_RESET_* */
#define VGPU_EVENT_STORM		9	/* arg: VGPU_STORM_* */
#define VGPU_EVENT_FAULT		10	/* arg: engine << 32 | VGPU_ERR_* */
#define VGPU_EVENT_HELD			11	/* arg: type << 32 | how many were held back */

#define VGPU_RESET_USER			1	/* VFIO_DEVICE_RESET */
#define VGPU_RESET_GUEST		2	/* VGPU_CONTROL_RESET */
#define VGPU_RESET_HOST			3	/* VGPU_SLICE_RESET */
#define VGPU_RESET_HANG			4

#define VGPU_STORM_DOORBELL		1
#define VGPU_STORM_IRQ			2
#define VGPU_STORM_FAULT		3

/**
 * struct vgpu_event - what read() of an event fd returns, one or several
 * @type: VGPU_EVENT_*
 * @id: number of the GPU
 * @slice: number of the slice, or -1
 * @lost: events that did not fit before this one
 * @seq: of the slice, or 0
 * @time: CLOCK_MONOTONIC, ns
 * @arg: see the types
 *
 * An fd keeps up to 64 events. Of what its user or its guest causes, a slice reports
 * one of a kind a second: OPENED, CLOSED, FAULT, HANG, RESET by each but the host, STORM
 * of each kind. A second after it, or as the slice ends, HELD says how many have been
 * held back, if any: who follows what is open then asks again.
 */
struct vgpu_event {
	__u32 type;
	__s32 id;
	__s32 slice;
	__u32 lost;
	__aligned_u64 seq;
	__aligned_u64 time;
	__aligned_u64 arg;
};

/**
 * struct vgpu_events - ioctl(VGPU_EVENTS): get an event fd
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @id: report of this GPU only, or -1 for all
 * @fd: on return, the fd, close-on-exec: poll() and read() it
 *
 * read() waits unless O_NONBLOCK is set with fcntl(); a buffer shorter than one
 * event fails with EINVAL. No GPU need have the number yet.
 *
 * Return: 0, -EINVAL if @id is out of range, -ENOMEM, -EMFILE, -ENFILE.
 */
struct vgpu_events {
	__u32 size;
	__u32 flags;
	__s32 id;
	__s32 fd;
};

#define VGPU_EVENTS _IO(VGPU_MAGIC, 0x09)

/**
 * struct vgpu_slice_reset - ioctl(VGPU_SLICE_RESET): halt all queues of a slice
 * @size: size of this struct in the caller's view, in bytes
 * @flags: 0
 * @id: number of the GPU
 * @slice: number of the slice
 * @seq: of the slice, or 0
 *
 * Its driver finds VGPU_ERR_RESET in each queue and gets VGPU_INTR_RESET.
 *
 * Return: 0, -ENOENT.
 */
struct vgpu_slice_reset {
	__u32 size;
	__u32 flags;
	__s32 id;
	__s32 slice;
	__aligned_u64 seq;
};

#define VGPU_SLICE_RESET _IO(VGPU_MAGIC, 0x0a)

#endif
