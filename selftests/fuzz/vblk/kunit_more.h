/* SPDX-License-Identifier: GPL-2.0 */
/* What vblk's suite asks of KUnit beyond the shim. */
#ifndef KUNIT_MORE_H
#define KUNIT_MORE_H

#include <kunit/test.h>
#include <stdlib.h>

#define GFP_KERNEL 0
#define kunit_kzalloc(test, bytes, gfp) ((void)(test), (void)(gfp), shim_zalloc(bytes))

/* One at a time is enough, and KUnit would free it after the test. */
static inline void *shim_zalloc(size_t bytes)
{
	static void *last;

	free(last);
	last = calloc(1, bytes);
	return last;
}

#define KUNIT_ASSERT_NOT_NULL(t, p) do {				\
	if ((t) && !(p))							\
		abort();						\
} while (0)

#define KUNIT_EXPECT_STREQ(t, a, b) KUNIT_EXPECT_STREQ_MSG(t, a, b, "")

#endif
