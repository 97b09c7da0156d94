// SPDX-License-Identifier: GPL-2.0
/*
 * The memory balloon, its driver in this process: what it gives to the host and
 * what it leaves alone; and the socket that steers it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_pci.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "../vmm/virtio.h"
#include "fake_vm.h"
#include "tap.h"

#define PAGE	4096ULL
#define QSIZE	8
#define RING(q)	(0x10000ULL + (q) * 0x3000)
#define PFNS	0x100000ULL	/* the driver's array; up to 1 MiB */
#define FIRST	0x300ULL	/* pages to play with: 256 of them */
#define NR	256
#define MEM	(8 * MIB)

static struct vm *vm;
static struct virtio_balloon *balloon;
static u64 bar;
static u32 caps[6];
static u16 idx[5];

static void *ptr(u64 gpa)
{
	return memory_ptr(&vm->mem, gpa, PAGE);
}

static u64 get(u32 cap, u32 off, unsigned int size)
{
	return mmio_read(vm, bar + caps[cap] + off, size);
}

static void set(u32 cap, u32 off, u64 v, unsigned int size)
{
	mmio_write(vm, bar + caps[cap] + off, v, size);
}

static void set_common(u32 off, u64 v, unsigned int size)
{
	set(VIRTIO_PCI_CAP_COMMON_CFG, off, v, size);
}

static void find(void)
{
	u32 cap, type;

	bar = cfg_read(vm, 1, PCI_BASE_ADDRESS_0, 4) & ~0xfU;
	for (cap = cfg_read(vm, 1, PCI_CAPABILITY_LIST, 1); cap;
	     cap = cfg_read(vm, 1, cap + 1, 1)) {
		type = cfg_read(vm, 1, cap + 3, 1);
		if (cfg_read(vm, 1, cap, 1) == PCI_CAP_ID_VNDR &&
		    type < ARRAY_SIZE(caps))
			caps[type] = cfg_read(vm, 1, cap + 8, 4);
	}
}

static bool bring_up(void)
{
	set_common(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	set_common(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	set_common(VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	set_common(VIRTIO_PCI_COMMON_GF, BIT(VIRTIO_BALLOON_F_REPORTING), 4);
	set_common(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	set_common(VIRTIO_PCI_COMMON_GF, 1, 4);
	set_common(VIRTIO_PCI_COMMON_STATUS, 11, 1);
	for (u16 q = 0; q < 5; q++) {
		memset(ptr(RING(q)), 0, PAGE);
		memset(ptr(RING(q) + 0x1000), 0, PAGE);
		memset(ptr(RING(q) + 0x2000), 0, PAGE);
		idx[q] = 0;
		set_common(VIRTIO_PCI_COMMON_Q_SELECT, q, 2);
		set_common(VIRTIO_PCI_COMMON_Q_SIZE, QSIZE, 2);
		set_common(VIRTIO_PCI_COMMON_Q_DESCLO, RING(q), 4);
		set_common(VIRTIO_PCI_COMMON_Q_AVAILLO, RING(q) + 0x1000, 4);
		set_common(VIRTIO_PCI_COMMON_Q_USEDLO, RING(q) + 0x2000, 4);
		set_common(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	}
	set_common(VIRTIO_PCI_COMMON_STATUS, 15, 1);
	return get(VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_COMMON_STATUS, 1) == 15;
}

/* One buffer in one piece. Return: it came back. */
static bool send_buffer(u16 q, u64 gpa, u32 len, u16 flags)
{
	struct vring_desc *t = ptr(RING(q));
	struct vring_avail *a = ptr(RING(q) + 0x1000);
	volatile struct vring_used *used = ptr(RING(q) + 0x2000);
	u16 want = ++idx[q];

	t[0] = (struct vring_desc){ gpa, len, flags, 0 };
	a->ring[(want - 1) % QSIZE] = 0;
	store_release(&a->idx, want);
	set(VIRTIO_PCI_CAP_NOTIFY_CFG, 4 * q, q, 2);
	for (int ms = 0; ms < 2000 && used->idx != want; ms++)
		usleep(1000);
	return used->idx == want;
}

/* Fill the pages; then count those that the host has. */
static void fill(void)
{
	memset(memory_ptr(&vm->mem, FIRST * PAGE, NR * PAGE), 0x5a, NR * PAGE);
}

static unsigned int gone(u64 first, unsigned int nr)
{
	unsigned int n = 0;
	u8 in_core[NR];

	if (mincore(ptr(first * PAGE), nr * PAGE, in_core))
		return ~0U;
	for (unsigned int i = 0; i < nr; i++)
		n += !(in_core[i] & 1);
	return n;
}

static void pfns(u64 first, unsigned int nr, int step)
{
	u32 *p = memory_ptr(&vm->mem, PFNS, nr * sizeof(*p));

	for (unsigned int i = 0; i < nr; i++)
		p[i] = first + i * step;
}

static void test_inflate(void)
{
	struct balloon_state s;
	u32 *p = memory_ptr(&vm->mem, PFNS, PAGE);

	fill();
	pfns(FIRST, 64, 1);
	ok(send_buffer(0, PFNS, 64 * 4, 0) && gone(FIRST, 64) == 64 &&
	   gone(FIRST + 64, NR - 64) == 0, "pages in a row, and no other");
	ok(!*(u64 *)ptr(FIRST * PAGE), "one that is touched again is empty");
	pfns(FIRST + 127, 64, -1);
	send_buffer(0, PFNS, 64 * 4, 0);
	ok(gone(FIRST + 64, 64) == 64 && gone(FIRST + 128, NR - 128) == 0,
	   "pages in a row, the last one first");
	pfns(FIRST + 128, 32, 2);
	send_buffer(0, PFNS, 32 * 4, 0);
	ok(gone(FIRST + 128, 64) == 32, "every other page");
	virtio_balloon_get(balloon, &s);
	ok(s.released == 160 * PAGE, "all of them are counted");

	fill();
	p[0] = ~0U;
	p[1] = MEM / PAGE;
	p[2] = FIRST + 5;
	p[3] = MEM / PAGE - 1;
	p[4] = MEM / PAGE;
	memset(ptr(MEM - PAGE), 1, PAGE);
	send_buffer(0, PFNS, 5 * 4 + 3, 0);
	ok(gone(FIRST, NR) == 1 && gone(MEM / PAGE - 1, 1) == 1,
	   "numbers that are no RAM are passed over, half a number too");
	fill();
	pfns(FIRST, 64, 1);
	ok(send_buffer(0, PFNS, 64 * 4, VRING_DESC_F_WRITE) &&
	   gone(FIRST, NR) == 0, "an array that may only be written is not read");
	ok(send_buffer(1, PFNS, 64 * 4, 0) && gone(FIRST, NR) == 0,
	   "deflation takes nothing");
	/* 0x50000 numbers, of which the first 0x10000 are heard. */
	pfns(FIRST, 0x10000, 0);
	p = memory_ptr(&vm->mem, PFNS, 0x50000 * 4);
	for (unsigned int i = 0x10000; i < 0x50000; i++)
		p[i] = FIRST + 1;
	ok(send_buffer(0, PFNS, 0x50000 * 4, 0) && gone(FIRST, 2) == 1,
	   "there is an end to what is heard");
}

static void test_report(void)
{
	fill();
	ok(send_buffer(2, FIRST * PAGE, 16 * PAGE, VRING_DESC_F_WRITE) &&
	   gone(FIRST, 16) == 16 && gone(FIRST + 16, NR - 16) == 0,
	   "a report of free pages by the third queue");
	ok(send_buffer(4, (FIRST + 16) * PAGE, 16 * PAGE, VRING_DESC_F_WRITE) &&
	   gone(FIRST + 16, 16) == 16, "by the fifth as well");
	send_buffer(2, (FIRST + 32) * PAGE + 1, 2 * PAGE, VRING_DESC_F_WRITE);
	ok(gone(FIRST + 32, 4) == 1 &&
	   *(u8 *)ptr((FIRST + 32) * PAGE) == 0x5a,
	   "of pages in part, only the whole ones");
	send_buffer(2, (FIRST + 40) * PAGE + 8, 16, VRING_DESC_F_WRITE);
	ok(gone(FIRST + 40, 4) == 0, "which may be none");
	send_buffer(2, (FIRST + 40) * PAGE, PAGE, 0);
	ok(gone(FIRST + 40, 4) == 0, "nothing that is not to be written");
}

static void test_config(void)
{
	u32 isr;

	isr = get(VIRTIO_PCI_CAP_ISR_CFG, 0, 1);
	virtio_balloon_set(balloon, 5 * PAGE);
	ok(get(VIRTIO_PCI_CAP_DEVICE_CFG, 0, 4) == 5, "the wish can be read");
	isr = get(VIRTIO_PCI_CAP_ISR_CFG, 0, 1);
	ok(isr & VIRTIO_ISR_CONFIG, "and is announced");
	set(VIRTIO_PCI_CAP_DEVICE_CFG, 4, 3, 4);
	ok(get(VIRTIO_PCI_CAP_DEVICE_CFG, 4, 4) == 3, "the driver answers");
	set(VIRTIO_PCI_CAP_DEVICE_CFG, 0, 9, 4);
	set(VIRTIO_PCI_CAP_DEVICE_CFG, 4, 9, 2);
	set(VIRTIO_PCI_CAP_DEVICE_CFG, 8, 9, 4);
	set(VIRTIO_PCI_CAP_DEVICE_CFG, 0, 9, 8);
	ok(get(VIRTIO_PCI_CAP_DEVICE_CFG, 0, 8) == (5 | 3ULL << 32),
	   "and writes nothing else");
	set_common(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	virtio_balloon_set(balloon, 0);
	ok(!get(VIRTIO_PCI_CAP_ISR_CFG, 0, 1), "without a driver, no interrupt");
	bring_up();
}

/* A client's line, and the server's answer to it. */
static const char *talk(int fd, const char *line)
{
	static char text[256];
	struct pollfd p;
	ssize_t n;

	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		return "closed";
	for (int i = 0; i < 4; i++) {
		control_prepare(&vm->control, &p);
		if (poll(&p, 1, 0) > 0)
			control_serve(&vm->control, &p);
	}
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "closed";
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static int client(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, path);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) ? -1 : fd;
}

static void test_socket(void)
{
	char dir[] = "/tmp/balloon_test.XXXXXX", path[64];
	const struct vmm_config *old = vm->cfg;
	struct vmm_config cfg = *old;
	int fd;

	if (!mkdtemp(dir))
		return;
	snprintf(path, sizeof(path), "%s/control", dir);
	cfg.control = path;
	cfg.mem = MEM;
	vm->cfg = &cfg;
	ok(!control_init(vm, balloon), "a control socket");
	fd = client(path);
	ok(strstr(talk(fd, "balloon\n"), "memory 8388608 target 0 actual 12288 "),
	   "tells how it is");
	ok(strstr(talk(fd, "balloon 4194304\n"), "target 4194304 "),
	   "and asks the guest");
	ok(!*talk(fd, "ball") && strstr(talk(fd, "oon 0\nballoon x\n"), "error"),
	   "by lines, in any pieces");
	ok(strstr(talk(fd, "balloon 8388608\n"), "error the guest"),
	   "not for all that there is");
	ok(strstr(talk(fd, "balloon -1\n"), "error not") &&
	   strstr(talk(fd, "balloon x\n"), "error not") &&
	   strstr(talk(fd, "balloon 1 2\n"), "error not") &&
	   strstr(talk(fd, "balloons\n"), "error unknown") &&
	   strstr(talk(fd, "\n"), "error unknown"), "nor in other words");
	for (int i = 0; i < 8; i++)
		talk(fd, "0123456789");
	ok(!strcmp(talk(fd, ""), "closed"), "a line without end is the end");
	close(fd);
	fd = client(path);
	ok(strstr(talk(fd, "balloon\n"), "target 0 "), "the next one is heard");
	close(fd);
	control_exit(&vm->control);
	ok(access(path, F_OK), "the socket is removed");
	close(open(path, O_CREAT | O_RDWR, 0600));
	ok(control_init(vm, balloon) < 0 && !access(path, F_OK),
	   "a file that is there stays");
	unlink(path);
	rmdir(dir);
	vm->cfg = old;
}

int main(void)
{
	vm = fake_vm(MEM, "-");
	/* Small pages alone can be counted one by one. */
	madvise(vm->mem.map, vm->mem.map_size, MADV_NOHUGEPAGE);
	balloon = virtio_balloon_create(vm);
	if (!balloon)
		return 1;
	find();
	ok(cfg_read(vm, 1, 0, 4) == 0x10451af4, "a balloon");
	ok(bring_up(), "with five queues");
	test_inflate();
	test_report();
	test_config();
	test_socket();
	virtio_balloon_destroy(balloon);
	fake_vm_free(vm);
	return tap_done();
}
