/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's short names, for a program written in the kernel's style.
 * Host and guest are both x86: little endian needs no conversion.
 */
#ifndef VMM_TYPES_H
#define VMM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define ALIGN(x, a)		(((x) + (a) - 1) & ~((a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((a) - 1))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define min_t(type, a, b) ({			\
	type __a = (a), __b = (b);		\
	__a < __b ? __a : __b; })
#define max_t(type, a, b) ({			\
	type __a = (a), __b = (b);		\
	__a > __b ? __a : __b; })

/* For memory that the guest may change at any time. */
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define load_acquire(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define full_barrier()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline void compiler_barrier(void)
{
	__asm__ __volatile__("" : : : "memory");
}

#define BIT(nr)			(1U << (nr))
#define BIT_ULL(nr)		(1ULL << (nr))

#define KIB			1024ULL
#define MIB			(1024 * KIB)
#define GIB			(1024 * MIB)

#endif /* VMM_TYPES_H */
