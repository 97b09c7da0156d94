// SPDX-License-Identifier: GPL-2.0
#include "../../tools/lib/virtlite.h"
#include "pool.h"

/* An fd by a name, as the programs want it. */
static void name_of(int fd, char path[32])
{
	snprintf(path, 32, "/proc/self/fd/%d", fd);
}

/* A new image with one volume, number 0, called "disk", that is as large as it. */
void pool_make(int backing, uint64_t bytes, unsigned int shift)
{
	const struct img_make make = { .nr_blocks = bytes / IMG_BLOCK, .shift = shift };
	struct file_store store;
	struct img_writer *w;
	char path[32];
	uint32_t number = NONE;

	name_of(backing, path);
	REQUIRE(!store_open(&store, path, O_RDWR), "%s", vl_message());
	w = img_make(&store.s, &make);
	REQUIRE(w && !img_add_volume(w, "disk", bytes, &number) && !img_commit(w), "%s",
		vl_message());
	img_writer_free(w);
	store_close(&store);
}

/* The same, in memory. */
int pool_new(uint64_t bytes, unsigned int shift)
{
	int fd = memfd(bytes);

	pool_make(fd, bytes, shift);
	return fd;
}

int try_pool_open(int backing, uint32_t flags)
{
	struct stat st;
	struct vblk_image_open o = { .size = sizeof(o), .flags = flags, .fd = backing };
	char msg[160] = "";

	OK(fstat(backing, &st));
	o.backing = S_ISBLK(st.st_mode) ? VBLK_BACKING_BDEV : VBLK_BACKING_FILE;
	o.msg_ptr = (uintptr_t)msg;
	o.msg_len = sizeof(msg);
	if (!ioctl(control(), VBLK_IMAGE_OPEN, &o))
		return o.image;
	if (*msg)
		diag("image: %s", msg);
	return -1;
}

int pool_open(int backing)
{
	return OK(try_pool_open(backing, 0));
}

static void tell(void *ctx, enum img_damage what, enum img_remedy remedy, const char *text)
{
	unsigned int *told = ctx;

	(void)remedy;
	if ((*told)++ < 20)
		diag("%s: %s", img_damage_name(what), text);
}

bool store_sound(struct store *st)
{
	unsigned int told = 0;
	struct img_check c = { .report = tell, .ctx = &told };
	int ret = img_check(&c, st);
	bool sound = !ret && !img_check_found(&c);

	if (ret)
		diag("check: %s", vl_message());
	img_check_end(&c);
	return sound;
}

bool pool_sound(const char *file, int line, int backing)
{
	struct file_store store;
	char path[32];
	bool sound;

	name_of(backing, path);
	REQUIRE(!store_open(&store, path, O_RDONLY), "%s", vl_message());
	sound = store_sound(&store.s);
	store_close(&store);
	if (!sound)
		test_fail(file, line, "the image is damaged");
	return sound;
}

void reading_begin(struct reading *r, int backing, uint32_t volume)
{
	struct img_volume *v;
	size_t n, i;

	name_of(backing, r->path);
	REQUIRE(!store_open(&r->store, r->path, O_RDONLY), "%s", vl_message());
	REQUIRE(!img_open(&r->im, &r->store.s) && !img_volumes(&r->im, &v, &n), "%s",
		vl_message());
	for (i = 0; i < n && v[i].number != volume; i++)
		;
	REQUIRE(i < n, "the image has no volume %u", volume);
	r->reader = img_reader(&r->im, &v[i], NULL);
	REQUIRE(r->reader, "%s", vl_message());
	free(v);
}

void reading_end(struct reading *r)
{
	free(r->reader);
	store_close(&r->store);
}

struct vblk_image_info pool_info(int image)
{
	struct vblk_image_info i = { .size = sizeof(i) };

	OK(ioctl(image, VBLK_IMAGE_INFO, &i));
	return i;
}

struct vblk_volume pool_volume(int image, uint32_t number)
{
	struct vblk_volume v = { .size = sizeof(v), .volume = number };

	OK(ioctl(image, VBLK_IMAGE_VOLUME, &v));
	return v;
}

int try_make(int image, unsigned long call, uint32_t source, uint64_t bytes, const char *name,
	     uint32_t *number)
{
	struct vblk_image_make m = { .size = sizeof(m), .source = source, .length = bytes };
	int ret;

	strncpy((char *)m.name, name, sizeof(m.name) - 1);
	ret = ioctl(image, call, &m);
	if (!ret && number)
		*number = m.volume;
	return ret;
}

uint32_t pool_create(int image, uint64_t bytes, const char *name)
{
	uint32_t number = NONE;

	OK(try_make(image, VBLK_IMAGE_CREATE, 0, bytes, name, &number));
	return number;
}

uint32_t pool_snapshot(int image, uint32_t volume, const char *name)
{
	uint32_t number = NONE;

	OK(try_make(image, VBLK_IMAGE_SNAPSHOT, volume, 0, name, &number));
	return number;
}

uint32_t pool_clone(int image, uint32_t snapshot, const char *name)
{
	uint32_t number = NONE;

	OK(try_make(image, VBLK_IMAGE_CLONE, snapshot, 0, name, &number));
	return number;
}

int try_delete(int image, uint32_t volume)
{
	struct vblk_image_volume v = { .size = sizeof(v), .volume = volume };

	return ioctl(image, VBLK_IMAGE_DELETE, &v);
}

int try_promote(int image, uint32_t volume)
{
	struct vblk_image_volume v = { .size = sizeof(v), .volume = volume };

	return ioctl(image, VBLK_IMAGE_PROMOTE, &v);
}

int pool_commit(int image, uint32_t flags)
{
	struct vblk_image_commit c = { .size = sizeof(c), .flags = flags };

	return ioctl(image, VBLK_IMAGE_COMMIT, &c);
}

int try_volume(int image, uint32_t volume, uint32_t flags)
{
	struct vblk_attach a = attach_args(VBLK_BACKING_IMAGE, image);

	a.format = VBLK_FORMAT_IMAGE;
	a.volume = volume;
	a.flags = flags;
	return try_attach(&a) ? -1 : a.id;
}

int attach_volume(int image, uint32_t volume, uint32_t flags)
{
	return OK(try_volume(image, volume, flags | VBLK_ATTACH_NO_PART));
}

unsigned int pool_log_blocks(unsigned int n)
{
	int fd = OK(open("/sys/module/vblk/parameters/log_blocks", O_RDWR | O_CLOEXEC));
	char text[16] = "";

	OK(read(fd, text, sizeof(text) - 1));
	OK(dprintf(fd, "%u", n));
	close(fd);
	return atoi(text);
}

uint64_t rnd(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

uint64_t below(uint64_t *state, uint64_t n)
{
	return n ? rnd(state) % n : 0;
}
