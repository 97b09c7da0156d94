// SPDX-License-Identifier: GPL-2.0
/*
 * What guest memory may be made of: large pages of both kinds, files, memory
 * that others share, pages that KSM has merged; each while a guest runs on it.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "host.h"
#include "vm.h"

#define PAGE	0x1000UL
#define HUGE	0x200000UL
#define GIANT	0x40000000UL
#define GPA	0x40000000UL

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define POOL_2M "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define POOL_1G "/sys/kernel/mm/hugepages/hugepages-1048576kB/"
#define KSM "/sys/kernel/mm/ksm/"

/*
 * Goes round the %rcx pages at GPA for ever, adds 1 to the first word of each,
 * and counts the rounds at GPA_DATA.
 */
GUEST(64, rounds,
      "mov %rcx, %rsi\n"
      "1: mov $0x40000000, %edi\n"
      "mov %rsi, %rcx\n"
      "2: incq (%rdi)\n"
      "add $0x1000, %rdi\n"
      "loop 2b\n"
      "incq 0xc000\n"
      "jmp 1b\n");

/* Reads the first words of the pages, for ever; the sum to GPA_DATA + 8. */
GUEST(64, sums,
      "mov %rcx, %rsi\n"
      "1: mov $0x40000000, %edi\n"
      "mov %rsi, %rcx\n"
      "xor %eax, %eax\n"
      "2: add (%rdi), %rax\n"
      "add $0x1000, %rdi\n"
      "loop 2b\n"
      "mov %rax, 0xc008\n"
      "incq 0xc000\n"
      "jmp 1b\n");

static struct vcpu *on_memory(const uint8_t *code, size_t len, void *mem,
			      size_t size)
{
	struct vcpu *v = guest_bytes(64, code, len);
	struct kvm_regs regs = get_regs(v);

	OK(vm_slot(v->vm, 1, 0, GPA, size, mem));
	regs.rcx = size / PAGE;
	set_regs(v, &regs);
	return v;
}

#define ON_MEMORY(code, mem, size) \
	on_memory(code, (size_t)(code##_end - (code)), mem, size)

/* The guest finishes that many rounds that it has not yet begun. */
static bool turns(struct vcpu *v, unsigned int n)
{
	volatile uint64_t *count = guest_data(v, uint64_t);
	uint64_t from = *count;

	return await(*count > from + n);
}

/* The guest has stopped: its pages differ by no more than the last round. */
static void check_rounds(const uint8_t *mem, size_t size, const uint8_t *but)
{
	uint64_t first = *(const uint64_t *)mem, word;
	size_t i;

	for (i = 0; i < size; i += PAGE) {
		if (mem + i == but)
			continue;
		word = *(const uint64_t *)(mem + i);
		REQUIRE(word + 1 >= first && word <= first,
			"page %zu has %lu, the first %lu", i / PAGE, word, first);
	}
}

static uint8_t *aligned(size_t size, size_t alignment)
{
	uint8_t *p = mem_alloc(size + alignment);

	return (uint8_t *)(((uintptr_t)p + alignment - 1) & -alignment);
}

/* ---- transparent huge pages ---- */

static void thp(void)
{
	size_t size = 4 * HUGE;
	uint8_t *mem = aligned(size, HUGE);
	struct vcpu *v;
	struct runner r;

	if (madvise(mem, size, MADV_HUGEPAGE))
		test_skip("no transparent huge pages: %s", strerror(errno));
	memset(mem, 0, size);
	if (!host_value("/proc/self/smaps_rollup", "AnonHugePages"))
		test_skip("the host has no huge page to give");
	v = ON_MEMORY(rounds, mem, size);
	runner_start(&r, v);
	CHECK(turns(v, 2), "the guest does not run");
	if (is_kvmlite())
		CHECK(vm_stat(v->vm, "pages_2m") > 0, "no large leaf");
	/* One page out of the middle of each: the host splits what it has. */
	OK(madvise(mem + HUGE + 7 * PAGE, PAGE, MADV_DONTNEED));
	OK(mprotect(mem + 2 * HUGE + PAGE, PAGE, PROT_READ | PROT_EXEC));
	OK(mprotect(mem + 2 * HUGE + PAGE, PAGE, PROT_READ | PROT_WRITE));
	if (!r.done)
		CHECK(turns(v, 2), "the guest hangs");
	runner_stop(&r);
	/* In the moment without the right to write the run may have ended. */
	CHECK(r.result == -EINTR || r.result == -EFAULT, "%d", r.result);
	check_rounds(mem, size, mem + HUGE + 7 * PAGE);
}

/* The host makes one large page of small ones that the guest is writing to. */
static void collapse(void)
{
	size_t size = 2 * HUGE;
	uint8_t *mem = aligned(size, HUGE);
	uint64_t before = 0;
	struct vcpu *v;
	struct runner r;
	int i;

	OK(madvise(mem, size, MADV_NOHUGEPAGE));
	memset(mem, 0, size);
	v = ON_MEMORY(rounds, mem, size);
	runner_start(&r, v);
	CHECK(turns(v, 2), "the guest does not run");
	if (is_kvmlite())
		before = vm_stat(v->vm, "pages_2m");
	OK(madvise(mem, size, MADV_HUGEPAGE));
	/* A page that is just being looked at is EAGAIN. */
	for (i = 0; i < 50 && madvise(mem, size, MADV_COLLAPSE); i++)
		if (errno != EAGAIN && errno != EBUSY)
			test_skip("MADV_COLLAPSE: %s", strerror(errno));
	CHECK(i < 50, "it never collapsed");
	CHECK(turns(v, 2), "the guest hangs");
	if (is_kvmlite())
		EQ(vm_stat(v->vm, "pages_2m"), before + 2);
	runner_stop(&r);
	EQ(r.result, -EINTR);
	check_rounds(mem, size, NULL);
}

/* ---- hugetlb ---- */

static void hugetlb(const char *pool, size_t page, unsigned int n, int flags,
		    const char *leaves)
{
	/*
	 * Where a page is taken away a spare one is wanted: before 6.6 a page
	 * goes back to the pool some time after it has left the page tables, and
	 * whoever touches the address in between, a process or a guest, finds
	 * the pool empty.
	 */
	unsigned int wanted = n > 1 ? n + 1 : n;
	uint64_t total, unused;
	uint8_t *mem;
	struct vcpu *v;
	struct runner r;
	char path[128];

	/* Large leaves are for these pages, not for the rest of the guest's. */
	OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	snprintf(path, sizeof(path), "%snr_hugepages", pool);
	total = host_value(path, NULL);
	if (total < wanted)
		host_set(path, "%u\n", wanted);
	if (host_value(path, NULL) < wanted)
		test_skip("no %u pages of %zu MiB", wanted, page >> 20);
	snprintf(path, sizeof(path), "%sfree_hugepages", pool);
	unused = host_value(path, NULL);
	mem = mmap(NULL, n * page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
	REQUIRE(mem != MAP_FAILED, "mmap: %s", strerror(errno));
	v = ON_MEMORY(rounds, mem, n * page);
	/* The kernel clears a gigabyte first, which takes its time here. */
	*(volatile uint8_t *)mem = 0;
	runner_start(&r, v);
	CHECK(turns(v, 2), "the guest does not run");
	if (is_kvmlite())
		EQ(vm_stat(v->vm, leaves), n);
	EQ(host_value(path, NULL), unused - n);
	if (n > 1) {
		/* Gone while the guest writes to it, another in its place. */
		OK(madvise(mem + (n - 1) * page, page, MADV_DONTNEED));
		CHECK(turns(v, 2), "the guest hangs");
		EQ(host_value(path, NULL), unused - n);
	}
	runner_stop(&r);
	EQ(r.result, -EINTR);
	check_rounds(mem, (n > 1 ? n - 1 : n) * page, NULL);
	/* Nobody else has a reference: with the mapping the pages are free. */
	munmap(mem, n * page);
	EQ(host_value(path, NULL), unused);
	snprintf(path, sizeof(path), "%snr_hugepages", pool);
	host_set(path, "%lu\n", total);
}

static void hugetlb_2m(void)
{
	hugetlb(POOL_2M, HUGE, 4, 21 << MAP_HUGE_SHIFT, "pages_2m");
}

static void hugetlb_1g(void)
{
	hugetlb(POOL_1G, GIANT, 1, 30 << MAP_HUGE_SHIFT, "pages_1g");
}

/* ---- files ---- */

static void memfd(void)
{
	int fd = OK(memfd_create("guest", MFD_CLOEXEC));
	size_t size = 64 * PAGE;
	uint64_t *mem, *other;
	struct vcpu *v;
	struct runner r;
	uint64_t end;
	pid_t pid;
	int status;

	OK(ftruncate(fd, size));
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(mem != MAP_FAILED, "mmap: %s", strerror(errno));
	v = ON_MEMORY(sums, mem, size);
	runner_start(&r, v);
	CHECK(turns(v, 1), "the guest does not run");
	EQ(guest_data(v, uint64_t)[1], 0);
	/* Another process writes by a mapping of its own. */
	pid = OK(fork());
	if (!pid) {
		other = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (other == MAP_FAILED)
			_exit(1);
		other[0] = 5;
		other[63 * PAGE / 8] = 6;
		_exit(0);
	}
	EQ(OK(waitpid(pid, &status, 0)), pid);
	EQ(status, 0);
	CHECK(await(guest_data(v, uint64_t)[1] == 11), "the sum is %lu",
	      guest_data(v, uint64_t)[1]);
	/* A hole reads as zero, and what was there is nobody's. */
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	CHECK(await(guest_data(v, uint64_t)[1] == 6), "the sum is %lu",
	      guest_data(v, uint64_t)[1]);
	/* Past the end of the file there is no memory, as for a process. */
	OK(ftruncate(fd, 32 * PAGE));
	CHECK(await(r.done), "the guest goes on");
	runner_join(&r);
	EQ(r.result, -EFAULT);
	/* The file was cut while the guest was somewhere in its round. */
	end = get_regs(v).rdi;
	CHECK(end >= GPA + 32 * PAGE && end < GPA + size,
	      "the guest stopped at %#lx, before the end of the file", end);
	OK(ftruncate(fd, size));
	runner_start(&r, v);
	CHECK(turns(v, 1), "the guest does not go on");
	EQ(guest_data(v, uint64_t)[1], 0);
	runner_stop(&r);
}

#define EXT4_MAGIC	0xef53
#define XFS_MAGIC	0x58465342

/*
 * A file on a disk: the guest's writes are in it, also those that come while it
 * is being written back, and after the page was clean.
 */
static void file(void)
{
	const char *folder = getenv("VIRTLITE_DISK");
	size_t size = 64 * PAGE, i;
	struct statfs fs;
	char path[256];
	uint64_t *mem, *seen;
	struct vcpu *v;
	struct runner r;
	int fd;

	if (!folder || statfs(folder, &fs) ||
	    (fs.f_type != EXT4_MAGIC && fs.f_type != XFS_MAGIC))
		test_skip("no file system on a disk (VIRTLITE_DISK)");
	snprintf(path, sizeof(path), "%s/memory", folder);
	fd = OK(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	OK(ftruncate(fd, size));
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(mem != MAP_FAILED, "mmap: %s", strerror(errno));
	v = ON_MEMORY(rounds, mem, size);
	runner_start(&r, v);
	for (i = 0; i < scale(20, 5); i++) {
		CHECK(turns(v, 1), "the guest does not run");
		OK(msync(mem, size, MS_SYNC));
	}
	runner_stop(&r);
	EQ(r.result, -EINTR);
	check_rounds((uint8_t *)mem, size, NULL);
	seen = malloc(size);
	REQUIRE(seen, "out of memory");
	memcpy(seen, mem, size);
	/* What was dirtied after the last msync() is known to be dirty. */
	vcpu_free(v);
	munmap(mem, size);
	OK(fsync(fd));
	OK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	mem = malloc(size);
	REQUIRE(mem, "out of memory");
	EQ(OK(pread(fd, mem, size, 0)), size);
	CHECK(!memcmp(mem, seen, size), "the file is not what the guest wrote");
	close(fd);
	unlink(path);
}

/* ---- KSM ---- */

static bool merged(uint64_t pages)
{
	uint64_t end = now_ns() + 20000000000ULL;

	while (now_ns() < end) {
		if (host_value(KSM "pages_sharing", NULL) >= pages)
			return true;
		sleep_ms(20);
	}
	return false;
}

/* Pages of two guests that are alike become one, until one of them writes. */
static void ksm(void)
{
	size_t size = 32 * PAGE, i;
	uint8_t *mem = mem_alloc(2 * size);
	struct vcpu *v, *w;
	struct runner r;

	if (madvise(mem, 2 * size, MADV_MERGEABLE))
		test_skip("no KSM: %s", strerror(errno));
	for (i = 0; i < 2 * size; i += PAGE) {
		*(uint64_t *)(mem + i) = 7;
		memset(mem + i + 64, 0x5a, PAGE - 64);
	}
	v = ON_MEMORY(sums, mem, size);
	w = ON_MEMORY(rounds, mem + size, size);
	runner_start(&r, v);
	CHECK(turns(v, 1), "the guest does not run");
	host_set(KSM "pages_to_scan", "2000\n");
	host_set(KSM "sleep_millisecs", "10\n");
	REQUIRE(host_set(KSM "run", "1\n"), "KSM: %s", strerror(errno));
	CHECK(merged(60), "nothing was merged");
	/* A guest that only reads leaves it so. */
	CHECK(turns(v, 50), "the guest hangs");
	EQ(guest_data(v, uint64_t)[1], 7 * 32);
	CHECK(host_value(KSM "pages_sharing", NULL) >= 60, "reading split pages");
	host_set(KSM "run", "0\n");
	runner_stop(&r);
	/* The other one writes, to pages of its own. */
	runner_start(&r, w);
	CHECK(turns(w, 3), "the guest hangs");
	runner_stop(&r);
	check_rounds(mem + size, size, NULL);
	for (i = 0; i < size; i += PAGE)
		EQ(*(uint64_t *)(mem + i), 7);
	for (i = 0; i < 2 * size; i += PAGE)
		EQ(mem[i + 64], 0x5a);
	host_set(KSM "run", "2\n");
}

static const struct test tests[] = {
	{ "thp", thp },
	{ "collapse", collapse },
	{ "hugetlb_2m", hugetlb_2m },
	{ "hugetlb_1g", hugetlb_1g },
	{ "memfd", memfd },
	{ "file", file },
	{ "ksm", ksm },
};

TEST_SUITE(tests);
