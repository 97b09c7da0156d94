/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a file of pure logic may use: fixed-width types, a few helpers, errno
 * numbers. Inside the kernel they are the kernel's own; outside, this header
 * supplies them, so that the same file compiles into a fuzzer or a user-space
 * test.
 */
#ifndef KL_PURE_H
#define KL_PURE_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#else

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
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define U32_MAX			0xffffffffU
#define U64_MAX			0xffffffffffffffffULL
#define fallthrough		__attribute__((__fallthrough__))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)

#endif /* __KERNEL__ */

#endif /* KL_PURE_H */
