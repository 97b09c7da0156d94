// SPDX-License-Identifier: GPL-2.0
/* KUnit: what SVM packs into bits. */

#include <kunit/test.h>
#include <asm/kvm.h>
#include <asm/msr-index.h>

#include "event.h"
#include "msrpm.h"
#include "seg.h"
#include "svm.h"

/* Descriptors as an operating system writes them, and what they become. */
static const struct {
	const char *what;
	struct kvm_segment seg;
	u16 attrib;
} kl_segs[] = {
	{ "64-bit code", { .type = 0xb, .s = 1, .present = 1, .l = 1, .g = 1 }, 0xa9b },
	{ "32-bit code", { .type = 0xb, .s = 1, .present = 1, .db = 1, .g = 1 }, 0xc9b },
	{ "user data", { .type = 3, .s = 1, .dpl = 3, .present = 1, .db = 1, .g = 1 },
	  0xcf3 },
	{ "real-mode data", { .type = 3, .s = 1, .present = 1 }, 0x093 },
	{ "busy 64-bit TSS", { .type = 0xb, .present = 1 }, 0x08b },
	{ "available to software", { .type = 3, .s = 1, .present = 1, .avl = 1 }, 0x193 },
	{ "absent", { .unusable = 1 }, 0x000 },
};

static void kl_svm_test_attrib(struct kunit *test)
{
	struct kvm_segment back;
	int i;

	for (i = 0; i < ARRAY_SIZE(kl_segs); i++) {
		const struct kvm_segment *seg = &kl_segs[i].seg;

		KUNIT_EXPECT_EQ_MSG(test, kl_svm_pack_attrib(seg),
				    kl_segs[i].attrib, "%s", kl_segs[i].what);
		memset(&back, 0, sizeof(back));
		kl_svm_unpack_attrib(kl_segs[i].attrib, &back);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(&back, seg, sizeof(back)), 0,
				    "%s", kl_segs[i].what);
	}
}

/* Unusable wins over present: nothing of a null segment may look usable. */
static void kl_svm_test_unusable(struct kunit *test)
{
	struct kvm_segment seg = { .type = 3, .s = 1, .present = 1, .unusable = 1 };

	KUNIT_EXPECT_EQ(test, kl_svm_pack_attrib(&seg) & SVM_SELECTOR_P_MASK, 0);
}

/* Every attribute word comes back as it was. */
static void kl_svm_test_attrib_all(struct kunit *test)
{
	struct kvm_segment seg;
	u32 a;

	for (a = 0; a < 0x1000; a++) {
		memset(&seg, 0, sizeof(seg));
		kl_svm_unpack_attrib(a, &seg);
		if (kl_svm_pack_attrib(&seg) != a)
			KUNIT_FAIL(test, "attribute 0x%x became 0x%x", a,
				   kl_svm_pack_attrib(&seg));
	}
}

static void kl_svm_test_msrpm(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0), 0);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(MSR_IA32_TSC), 0x20);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0x1fff), 0x3ffe);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0x2000), -1);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0x40000000), -1);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0xbfffffff), -1);
	/* Byte 0x800 holds the first four of the second range. */
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0xc0000000), 0x800 * 8);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(MSR_EFER), 0x820 * 8);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(MSR_STAR), 0x820 * 8 + 2);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0xc0001fff), 0x1000 * 8 - 2);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0xc0002000), -1);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0xc0010000), 0x1000 * 8);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0xc0011fff), 0x1800 * 8 - 2);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0xc0012000), -1);
	KUNIT_EXPECT_EQ(test, kl_msrpm_bit(0xffffffff), -1);
	/* The last bit in use, that of writes, is in the map. */
	KUNIT_EXPECT_LT(test, kl_msrpm_bit(0xc0011fff) + 1, KL_MSRPM_SIZE * 8);
}

static void kl_svm_test_requeue(struct kunit *test)
{
	const u32 v = SVM_EXITINTINFO_VALID;

	KUNIT_EXPECT_EQ(test, kl_svm_requeue_kind(v | SVM_EXITINTINFO_TYPE_INTR | 0x20, false),
			KL_REQUEUE_IRQ);
	KUNIT_EXPECT_EQ(test, kl_svm_requeue_kind(v | SVM_EXITINTINFO_TYPE_NMI | 2, false),
			KL_REQUEUE_NMI);
	KUNIT_EXPECT_EQ(test, kl_svm_requeue_kind(v | SVM_EXITINTINFO_TYPE_EXEPT | 14, false),
			KL_REQUEUE_EXCEPTION);
	/* INT3 and INTO run again, unless it was we who raised them. */
	KUNIT_EXPECT_EQ(test, kl_svm_requeue_kind(v | SVM_EXITINTINFO_TYPE_EXEPT | 3, false),
			KL_REQUEUE_NONE);
	KUNIT_EXPECT_EQ(test, kl_svm_requeue_kind(v | SVM_EXITINTINFO_TYPE_EXEPT | 4, false),
			KL_REQUEUE_NONE);
	KUNIT_EXPECT_EQ(test, kl_svm_requeue_kind(v | SVM_EXITINTINFO_TYPE_EXEPT | 3, true),
			KL_REQUEUE_EXCEPTION);
	/* INT 0x80, also with an exception's number. */
	KUNIT_EXPECT_EQ(test, kl_svm_requeue_kind(v | SVM_EXITINTINFO_TYPE_SOFT | 0x80, false),
			KL_REQUEUE_NONE);
	KUNIT_EXPECT_EQ(test, kl_svm_requeue_kind(v | SVM_EXITINTINFO_TYPE_SOFT | 14, false),
			KL_REQUEUE_NONE);

	KUNIT_EXPECT_EQ(test, kl_svm_exception_info(14, true), 0x80000b0eu);
	KUNIT_EXPECT_EQ(test, kl_svm_exception_info(6, false), 0x80000306u);
}

/* An intercept is one bit of one word, and its neighbours stay as they are. */
static void kl_svm_test_intercept(struct kunit *test)
{
	static const struct {
		unsigned int bit;
		int word;
		u32 mask;
	} want[] = {
		{ INTERCEPT_CR0_READ, 0, BIT(0) },
		{ INTERCEPT_CR8_WRITE, 0, BIT(24) },
		{ INTERCEPT_INTR, 3, BIT(0) },
		{ INTERCEPT_CPUID, 3, BIT(18) },
		{ INTERCEPT_SHUTDOWN, 3, BIT(31) },
		{ INTERCEPT_VMRUN, 4, BIT(0) },
		{ INTERCEPT_XSETBV, 4, BIT(13) },
	};
	struct vmcb *vmcb = kunit_kzalloc(test, sizeof(*vmcb), GFP_KERNEL);
	u32 *words;
	int i, j;

	KUNIT_ASSERT_NOT_NULL(test, vmcb);
	words = vmcb->control.intercepts;
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		kl_svm_intercept(vmcb, want[i].bit, true);
		for (j = 0; j < MAX_INTERCEPT; j++)
			KUNIT_EXPECT_EQ(test, words[j],
					j == want[i].word ? want[i].mask : 0);
		memset(words, 0xff, MAX_INTERCEPT * sizeof(u32));
		kl_svm_intercept(vmcb, want[i].bit, false);
		for (j = 0; j < MAX_INTERCEPT; j++)
			KUNIT_EXPECT_EQ(test, words[j],
					j == want[i].word ? ~want[i].mask : ~0u);
		memset(words, 0, MAX_INTERCEPT * sizeof(u32));
	}
	BUILD_BUG_ON(sizeof(vmcb->control) != 0x400);
}

static struct kunit_case kl_svm_cases[] = {
	KUNIT_CASE(kl_svm_test_attrib),
	KUNIT_CASE(kl_svm_test_unusable),
	KUNIT_CASE(kl_svm_test_attrib_all),
	KUNIT_CASE(kl_svm_test_msrpm),
	KUNIT_CASE(kl_svm_test_requeue),
	KUNIT_CASE(kl_svm_test_intercept),
	{}
};

static struct kunit_suite kl_svm_suite = {
	.name = "kvmlite_svm",
	.test_cases = kl_svm_cases,
};

kunit_test_suite(kl_svm_suite);
