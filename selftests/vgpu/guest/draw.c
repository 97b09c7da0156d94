// SPDX-License-Identifier: GPL-2.0
/*
 * In a guest: draw on the first screen there is, through whatever DRM driver it has, a
 * picture that host/clients knows, in the mode that the monitor prefers. Says
 * "drawn WIDTHxHEIGHT" and keeps it on the screen until it is killed.
 */
#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX 8

static int card;

static void must(int ret, const char *what)
{
	if (ret >= 0)
		return;
	printf("draw: %s: %s\n", what, strerror(errno));
	exit(1);
}

struct screen {
	uint32_t crtc;
	uint32_t connector;
	struct drm_mode_modeinfo mode;
};

static struct screen find_screen(void)
{
	uint32_t crtcs[MAX], connectors[MAX];
	struct drm_mode_card_res res = {
		.crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = MAX,
		.connector_id_ptr = (uintptr_t)connectors, .count_connectors = MAX,
	};
	static struct drm_mode_modeinfo modes[64];
	struct drm_mode_get_connector c = { 0 };
	struct screen s = { 0 };

	must(ioctl(card, DRM_IOCTL_MODE_GETRESOURCES, &res), "resources");
	s.crtc = crtcs[0];
	s.connector = connectors[0];
	/* Once to have it look at the monitor, once for the modes. */
	c.connector_id = s.connector;
	must(ioctl(card, DRM_IOCTL_MODE_GETCONNECTOR, &c), "connector");
	c = (struct drm_mode_get_connector){
		.connector_id = s.connector, .modes_ptr = (uintptr_t)modes, .count_modes = 64,
	};
	must(ioctl(card, DRM_IOCTL_MODE_GETCONNECTOR, &c), "modes");
	must(c.count_modes ? 0 : -1, "the monitor has no modes");
	s.mode = modes[0];
	return s;
}

/* Any two places differ, and so does a picture that is shifted, or has its colours swapped. */
static uint32_t pixel(uint32_t x, uint32_t y)
{
	return (x * 3 & 255) << 16 | (y * 5 & 255) << 8 | ((x ^ y) & 255);
}

static void paint(const struct screen *s)
{
	struct drm_mode_create_dumb dumb = {
		.width = s->mode.hdisplay, .height = s->mode.vdisplay, .bpp = 32,
	};
	struct drm_mode_map_dumb map = { 0 };
	uint32_t connector = s->connector, x, y;
	struct drm_mode_fb_cmd fb = { .bpp = 32, .depth = 24 };
	struct drm_mode_crtc crtc = {
		.crtc_id = s->crtc, .set_connectors_ptr = (uintptr_t)&connector,
		.count_connectors = 1, .mode_valid = 1, .mode = s->mode,
	};
	uint8_t *p;

	must(ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), "buffer");
	map.handle = dumb.handle;
	must(ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map), "mapping the buffer");
	p = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, map.offset);
	must(p == MAP_FAILED ? -1 : 0, "mapping the buffer");
	for (y = 0; y < dumb.height; y++)
		for (x = 0; x < dumb.width; x++)
			((uint32_t *)(p + y * dumb.pitch))[x] = pixel(x, y);
	fb.width = dumb.width;
	fb.height = dumb.height;
	fb.pitch = dumb.pitch;
	fb.handle = dumb.handle;
	must(ioctl(card, DRM_IOCTL_MODE_ADDFB, &fb), "framebuffer");
	crtc.fb_id = fb.fb_id;
	must(ioctl(card, DRM_IOCTL_MODE_SETCRTC, &crtc), "mode");
}

int main(void)
{
	struct drm_version v = { 0 };
	char name[64] = "";
	struct screen s;

	setvbuf(stdout, NULL, _IOLBF, 0);
	card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	must(card, "/dev/dri/card0");
	v.name = name;
	v.name_len = sizeof(name) - 1;
	must(ioctl(card, DRM_IOCTL_VERSION, &v), "version");
	s = find_screen();
	paint(&s);
	printf("driver %s\n", name);
	printf("drawn %ux%u\n", s.mode.hdisplay, s.mode.vdisplay);
	pause();
	return 0;
}
