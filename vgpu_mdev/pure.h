/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a file of pure logic may use: fixed-width types, a few helpers, errno
 * numbers. Inside the kernel they are the kernel's own; outside, this header
 * supplies them, so that the same file compiles into a fuzzer or a tool.
 */
#ifndef VG_PURE_H
#define VG_PURE_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>

#else

#include <assert.h>
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s32 s32;
typedef __s64 s64;

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define U64_MAX			0xffffffffffffffffULL
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define DIV_ROUND_UP(a, b)	(((a) + (b) - 1) / (b))
#define div64_u64(a, b)		((a) / (b))
/* The kernel's name for it; who uses it says what it orders. */
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)

static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	return (u64)((__extension__ (__uint128_t)a) * b / c);
}

#endif

/*
 * memcpy() for what is long: eight bytes for an instruction, as the kernel's own copies
 * to and from user space do it. Its memcpy() is a loop of general registers unless the
 * CPU says that short ones are fast, and vector registers are not for it.
 */
static inline void vg_copy(void *to, const void *from, size_t n)
{
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(CONFIG_KASAN)
	size_t words = n / 8;

	if (n >= 256) {
		asm volatile("rep movsq" : "+D" (to), "+S" (from), "+c" (words) : : "memory");
		n %= 8;
	}
#endif
	memcpy(to, from, n);
}

#endif
