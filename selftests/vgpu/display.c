// SPDX-License-Identifier: GPL-2.0
/* A display slice: DISPI and EDID, the picture as a region and as a dma-buf. */
#include "gpu.h"

#define DISPLAY	((uint64_t)VFIO_PCI_NUM_REGIONS << 40)
#define XRES	1
#define YRES	2
#define BPP	3
#define ENABLE	4
#define VIRT_WIDTH 6
#define X_OFFSET 8
#define Y_OFFSET 9
#define MEMORY	10

static struct vl_vgpu d;
static int id;

static void one_slice(uint32_t how)
{
	fresh();
	id = new_gpu(16 * MIB, VGPU_POLICY_BEST_EFFORT, VGPU_CLOCK_REAL, 1);
	add(id, 2, 1);
	OK(set_slice(id, 0, VGPU_SLICE_PERSONALITY | VGPU_SLICE_DISPLAY | VGPU_SLICE_MODE |
		     VGPU_SLICE_CARVEOUT, (struct vgpu_slice_set){
			.personality = VGPU_PERSONALITY_DISPLAY, .display = how, .width = 640,
			.height = 400, .carveout = 4 * MIB }));
	open_slice(&d, 1);
}

static void done(void)
{
	close_slice(&d);
	OK(try_delete(id, VGPU_DELETE_FORCE));
}

static uint16_t dispi(uint32_t i)
{
	uint16_t v;

	EQ(pread(d.device, &v, 2, BAR2 + 0x500 + 2 * i), 2);
	return v;
}

static void set_dispi(uint32_t i, uint16_t v)
{
	EQ(pwrite(d.device, &v, 2, BAR2 + 0x500 + 2 * i), 2);
}

static void mode(uint16_t w, uint16_t h, uint16_t bpp)
{
	set_dispi(XRES, w);
	set_dispi(YRES, h);
	set_dispi(BPP, bpp);
	set_dispi(VIRT_WIDTH, w);
	set_dispi(X_OFFSET, 0);
	set_dispi(Y_OFFSET, 0);
	set_dispi(ENABLE, 0x41);
}

static struct vfio_device_gfx_plane_info plane(uint32_t how)
{
	struct vfio_device_gfx_plane_info p = {
		.argsz = sizeof(p), .drm_plane_type = 1, .flags = how,
	};

	OK(ioctl(d.device, VFIO_DEVICE_QUERY_GFX_PLANE, &p));
	return p;
}

static void registers(void)
{
	uint8_t edid[128], sum = 0, byte = 0;
	uint32_t word, i;

	one_slice(VGPU_DISPLAY_REGION);
	EQ(pread(d.device, &word, 4, CONFIG), 4);
	EQ(word, 0x11111234);
	EQ(pread(d.device, &word, 4, CONFIG + 8), 4);
	EQ(word, 0x03800002);
	EQ(dispi(0), 0xb0c5);
	EQ(dispi(MEMORY), 4 * MIB / 65536);
	set_dispi(MEMORY, 1);
	set_dispi(0, 1);
	EQ(dispi(MEMORY), 64);
	EQ(dispi(0), 0xb0c5);
	set_dispi(XRES, 800);
	EQ(dispi(XRES), 800);
	set_dispi(ENABLE, 2);
	EQ(dispi(XRES), 4096);
	set_dispi(ENABLE, 0);
	EQ(pread(d.device, &word, 4, BAR2 + 0x600), 4);
	EQ(word, 8);
	EQ(pread(d.device, &word, 4, BAR2 + 0x604), 4);
	EQ(word, 0x1e1e1e1e);
	/* A single byte changes nothing of a word. */
	EQ(pwrite(d.device, &byte, 1, BAR2 + 0x500 + 2 * XRES), 1);
	EQ(dispi(XRES), 800);
	FAILS(pread(d.device, &word, 4, BAR2 + 0x601), EINVAL);
	FAILS(pread(d.device, &word, 4, BAR2 + 0x1000), EINVAL);
	FAILS(pread(d.device, edid, 128, BAR2), EINVAL);
	for (i = 0; i < 128; i++) {
		EQ(pread(d.device, &edid[i], 1, BAR2 + i), 1);
		sum += edid[i];
	}
	EQ(sum, 0);
	CHECK(!memcmp(edid, "\0\377\377\377\377\377\377", 8), "no EDID");
	EQ(edid[56] | (edid[58] >> 4) << 8, 640);
	EQ(edid[59] | (edid[61] >> 4) << 8, 400);
	EQ(vl_vgpu_read(&d, VGPU_REG_CARVEOUT_LO), 4 * MIB);
	done();
}

static void planes(void)
{
	struct vfio_device_gfx_plane_info p = { .argsz = sizeof(p) };
	uint8_t blank = 0, on = 0x20;

	one_slice(VGPU_DISPLAY_REGION);
	p.flags = VFIO_GFX_PLANE_TYPE_PROBE | VFIO_GFX_PLANE_TYPE_REGION;
	OK(ioctl(d.device, VFIO_DEVICE_QUERY_GFX_PLANE, &p));
	p.flags = VFIO_GFX_PLANE_TYPE_PROBE | VFIO_GFX_PLANE_TYPE_DMABUF;
	FAILS(ioctl(d.device, VFIO_DEVICE_QUERY_GFX_PLANE, &p), EINVAL);
	p.flags = VFIO_GFX_PLANE_TYPE_DMABUF;
	FAILS(ioctl(d.device, VFIO_DEVICE_QUERY_GFX_PLANE, &p), EINVAL);
	p.argsz = 8;
	FAILS(ioctl(d.device, VFIO_DEVICE_QUERY_GFX_PLANE, &p), EINVAL);
	EQ(plane(VFIO_GFX_PLANE_TYPE_REGION).drm_format, 0);
	mode(640, 400, 32);
	p = plane(VFIO_GFX_PLANE_TYPE_REGION);
	EQ(p.drm_format, 0x34325258);
	EQ(p.width, 640);
	EQ(p.height, 400);
	EQ(p.stride, 2560);
	EQ(p.region_index, VFIO_PCI_NUM_REGIONS);
	/* QEMU does not say which plane of a region; there is no cursor. */
	p = (struct vfio_device_gfx_plane_info){ .argsz = sizeof(p),
						 .flags = VFIO_GFX_PLANE_TYPE_REGION };
	OK(ioctl(d.device, VFIO_DEVICE_QUERY_GFX_PLANE, &p));
	EQ(p.width, 640);
	p.drm_plane_type = 2;
	OK(ioctl(d.device, VFIO_DEVICE_QUERY_GFX_PLANE, &p));
	EQ(p.width, 0);
	mode(640, 400, 16);
	EQ(plane(VFIO_GFX_PLANE_TYPE_REGION).drm_format, 0x36314752);
	/* What cannot be shown is not. */
	mode(2048, 1024, 32);
	EQ(plane(VFIO_GFX_PLANE_TYPE_REGION).width, 0);
	mode(640, 400, 24);
	EQ(plane(VFIO_GFX_PLANE_TYPE_REGION).width, 0);
	mode(640, 400, 32);
	set_dispi(Y_OFFSET, 1);
	EQ(plane(VFIO_GFX_PLANE_TYPE_REGION).width, 0);
	set_dispi(Y_OFFSET, 8);
	EQ(plane(VFIO_GFX_PLANE_TYPE_REGION).width, 640);
	EQ(pwrite(d.device, &blank, 1, BAR2 + 0x400), 1);
	EQ(plane(VFIO_GFX_PLANE_TYPE_REGION).width, 0);
	EQ(pwrite(d.device, &on, 1, BAR2 + 0x400), 1);
	EQ(plane(VFIO_GFX_PLANE_TYPE_REGION).width, 640);
	OK(ioctl(d.device, VFIO_DEVICE_RESET));
	EQ(plane(VFIO_GFX_PLANE_TYPE_REGION).width, 0);
	done();
}

/* The region shows what is shown: also after the driver has turned the page. */
static void region(void)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_NUM_REGIONS };
	uint8_t *p, bytes[200];

	one_slice(VGPU_DISPLAY_REGION);
	OK(ioctl(d.device, VFIO_DEVICE_GET_REGION_INFO, &info));
	EQ(info.size, 4 * MIB);
	EQ(info.flags, VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_MMAP);
	FAILS(pread(d.device, bytes, 16, DISPLAY + 4 * MIB), EINVAL);
	FAILS(pwrite(d.device, bytes, 16, DISPLAY), EINVAL);
	mode(640, 400, 32);
	p = mmap(NULL, 8 * MIB, PROT_READ, MAP_SHARED, d.device, DISPLAY);
	EQ((uintptr_t)p, (uintptr_t)MAP_FAILED);
	p = mmap(NULL, 1 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, d.device, DISPLAY);
	REQUIRE(p != MAP_FAILED, "%s", strerror(errno));
	memset(d.vram, 1, 4096);
	memset(d.vram + 640 * 4 * 8 * 50, 2, 4096);
	EQ(p[100], 1);
	set_dispi(Y_OFFSET, 400);
	EQ(p[100], 2);
	set_dispi(Y_OFFSET, 0);
	EQ(p[100], 1);
	/* Whoever reads it sees the same. */
	EQ(pread(d.device, bytes, 200, DISPLAY + 1), 200);
	EQ(bytes[99], 1);
	set_dispi(Y_OFFSET, 400);
	EQ(pread(d.device, bytes, 200, DISPLAY + 1), 200);
	EQ(bytes[99], 2);
	/* Into a mapping of itself, too. */
	EQ(pread(d.device, p + 4096, 100, DISPLAY), 100);
	EQ(p[4096 + 99], 2);
	set_dispi(Y_OFFSET, 0);
	EQ(pread(d.device, bytes, 200, DISPLAY + 4 * MIB - 8), 8);
	p[101] = 9;
	EQ(d.vram[101], 9);
	/* It outlives the slice: what is seen is still the old tenant's. */
	close_slice(&d);
	open_slice(&d, 1);
	EQ(d.vram[101], 0);
	EQ(p[101], 9);
	munmap(p, MIB);
	done();
}

static void dmabuf(void)
{
	struct vfio_device_gfx_plane_info p;
	uint32_t none = 77;
	uint8_t *map;
	int fd;

	one_slice(VGPU_DISPLAY_DMABUF);
	mode(640, 400, 32);
	p = plane(VFIO_GFX_PLANE_TYPE_DMABUF);
	EQ(p.width, 640);
	EQ(plane(VFIO_GFX_PLANE_TYPE_DMABUF).dmabuf_id, p.dmabuf_id);
	FAILS(ioctl(d.device, VFIO_DEVICE_GET_GFX_DMABUF, &none), EINVAL);
	fd = OK(ioctl(d.device, VFIO_DEVICE_GET_GFX_DMABUF, &p.dmabuf_id));
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EQ(lseek(fd, 0, SEEK_END), p.size);
	map = mmap(NULL, p.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(map != MAP_FAILED, "%s", strerror(errno));
	d.vram[5000] = 0x33;
	EQ(map[5000], 0x33);
	/* Another picture has another number; the old buffer keeps its pages. */
	set_dispi(Y_OFFSET, 400);
	CHECK(plane(VFIO_GFX_PLANE_TYPE_DMABUF).dmabuf_id != p.dmabuf_id, "the same number");
	FAILS(ioctl(d.device, VFIO_DEVICE_GET_GFX_DMABUF, &p.dmabuf_id), EINVAL);
	EQ(map[5000], 0x33);
	OK(ioctl(d.device, VFIO_DEVICE_RESET));
	EQ(map[5000], 0);
	map[5000] = 0x44;
	EQ(d.vram[5000], 0x44);
	close_slice(&d);
	EQ(map[5000], 0x44);
	open_slice(&d, 1);
	EQ(d.vram[5000], 0);
	close(fd);
	EQ(map[5000], 0x44);
	munmap(map, p.size);
	done();
}

/* A number that the last tenant got names nothing for the next. */
static void former_picture(void)
{
	uint32_t picture;

	one_slice(VGPU_DISPLAY_DMABUF);
	mode(640, 400, 32);
	picture = plane(VFIO_GFX_PLANE_TYPE_DMABUF).dmabuf_id;
	close(OK(ioctl(d.device, VFIO_DEVICE_GET_GFX_DMABUF, &picture)));
	close_slice(&d);
	open_slice(&d, 1);
	FAILS(ioctl(d.device, VFIO_DEVICE_GET_GFX_DMABUF, &picture), EINVAL);
	mode(640, 400, 32);
	picture = plane(VFIO_GFX_PLANE_TYPE_DMABUF).dmabuf_id;
	close(OK(ioctl(d.device, VFIO_DEVICE_GET_GFX_DMABUF, &picture)));
	close_slice(&d);
	EQ(attribute(1, "personality", "compute"), 0);
	open_slice(&d, 1);
	FAILS(ioctl(d.device, VFIO_DEVICE_GET_GFX_DMABUF, &picture), EINVAL);
	done();
}

#define EDID	((uint64_t)(VFIO_PCI_NUM_REGIONS + 1) << 40)
#define BLOB	512

static uint32_t monitor(uint32_t off)
{
	uint32_t v = 0;

	EQ(pread(d.device, &v, 4, EDID + off), 4);
	return v;
}

static int set_monitor(uint32_t off, uint32_t v)
{
	return pwrite(d.device, &v, 4, EDID + off) == 4 ? 0 : -1;
}

static uint8_t bar2(uint32_t off)
{
	uint8_t v = 0;

	EQ(pread(d.device, &v, 1, BAR2 + off), 1);
	return v;
}

/* The user brings a monitor of his own, as VMMs do when a window changes its size. */
static void edid_region(void)
{
	struct {
		struct vfio_region_info info;
		struct vfio_region_info_cap_type type;
	} r = { .info = { .argsz = sizeof(r.info), .index = VFIO_PCI_NUM_REGIONS + 1 } };
	struct vfio_device_info info = { .argsz = sizeof(info) };
	uint8_t blob[256];
	uint32_t i;

	one_slice(VGPU_DISPLAY_DMABUF);
	OK(ioctl(d.device, VFIO_DEVICE_GET_INFO, &info));
	EQ(info.num_regions, VFIO_PCI_NUM_REGIONS + 2);
	OK(ioctl(d.device, VFIO_DEVICE_GET_REGION_INFO, &r));
	EQ(r.info.argsz, sizeof(r));
	EQ(r.info.cap_offset, 0);
	CHECK(r.info.flags & VFIO_REGION_INFO_FLAG_CAPS, "no capabilities");
	OK(ioctl(d.device, VFIO_DEVICE_GET_REGION_INFO, &r));
	EQ(r.info.cap_offset, sizeof(r.info));
	EQ(r.type.header.id, VFIO_REGION_INFO_CAP_TYPE);
	EQ(r.type.type, VFIO_REGION_TYPE_GFX);
	EQ(r.type.subtype, VFIO_REGION_SUBTYPE_GFX_EDID);
	EQ(r.info.size, 2 * BLOB);
	EQ(monitor(offsetof(struct vfio_region_gfx_edid, edid_offset)), BLOB);
	EQ(monitor(offsetof(struct vfio_region_gfx_edid, edid_max_size)), BLOB);
	EQ(monitor(offsetof(struct vfio_region_gfx_edid, edid_size)), 128);
	EQ(monitor(offsetof(struct vfio_region_gfx_edid, max_xres)), 4088);
	EQ(monitor(offsetof(struct vfio_region_gfx_edid, link_state)),
	   VFIO_DEVICE_GFX_LINK_STATE_UP);
	EQ(pread(d.device, blob, 256, EDID + BLOB), 256);
	for (i = 0; i < 256; i++)
		CHECK(blob[i] == bar2(i), "byte %u", i);
	FAILS(pwrite(d.device, blob, 256, EDID + BLOB), EINVAL);
	FAILS(pread(d.device, blob, 2, EDID), EINVAL);
	FAILS(pread(d.device, blob, 8, EDID), EINVAL);
	FAILS(pread(d.device, blob, 4, EDID + 2 * BLOB), EINVAL);
	FAILS(set_monitor(0, 1), EINVAL);
	FAILS(set_monitor(20, 7), EINVAL);
	OK(set_monitor(20, VFIO_DEVICE_GFX_LINK_STATE_DOWN));
	EQ(bar2(1), 0);
	for (i = 0; i < 256; i++)
		blob[i] = i + 1;
	EQ(pwrite(d.device, blob, 256, EDID + BLOB), 256);
	FAILS(set_monitor(8, 130), EINVAL);
	OK(set_monitor(8, 256));
	OK(set_monitor(20, VFIO_DEVICE_GFX_LINK_STATE_UP));
	/* A reset is the guest's, the monitor is not. */
	OK(ioctl(d.device, VFIO_DEVICE_RESET));
	for (i = 0; i < 256; i++)
		CHECK(bar2(i) == blob[i], "byte %u is 0x%x", i, bar2(i));
	EQ(bar2(256), 0);
	/* The next tenant finds the one that was set. */
	close_slice(&d);
	open_slice(&d, 1);
	EQ(bar2(56) | (bar2(58) >> 4) << 8, 640);
	done();
}

static const struct test tests[] = {
	{ "registers", registers },
	{ "planes", planes },
	{ "region", region },
	{ "dmabuf", dmabuf },
	{ "former_picture", former_picture },
	{ "edid_region", edid_region },
};

TEST_SUITE(tests);
