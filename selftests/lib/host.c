// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdarg.h>

#include "host.h"
#include "vm.h"

struct desc {
	uint32_t flags;
	int16_t exponent;
	uint16_t size;
	uint32_t offset;
	uint32_t bucket_size;
	char name[];
};

uint64_t stat_value(int fd, const char *name)
{
	struct kvm_stats_header h;
	char buf[512] = "";
	struct desc *d = (struct desc *)buf;
	uint64_t value;
	uint32_t i;

	EQ(OK(pread(fd, &h, sizeof(h), 0)), sizeof(h));
	REQUIRE(sizeof(*d) + h.name_size < sizeof(buf), "names of %u bytes",
		h.name_size);
	for (i = 0; i < h.num_desc; i++) {
		size_t len = sizeof(*d) + h.name_size;

		EQ(OK(pread(fd, buf, len, h.desc_offset + i * len)), len);
		if (strcmp(d->name, name))
			continue;
		EQ(d->size, 1);
		EQ(OK(pread(fd, &value, 8, h.data_offset + d->offset)), 8);
		return value;
	}
	test_fail(__FILE__, __LINE__, "no statistic %s", name);
	test_abort();
}

static uint64_t stat_of(int fd, const char *name)
{
	int stats = OK(ioctl(fd, KVM_GET_STATS_FD, 0));
	uint64_t value = stat_value(stats, name);

	close(stats);
	return value;
}

uint64_t vm_stat(struct vm *vm, const char *name)
{
	return stat_of(vm->fd, name);
}

uint64_t vcpu_stat(struct vcpu *v, const char *name)
{
	return stat_of(v->fd, name);
}

uint64_t host_value(const char *path, const char *key)
{
	unsigned long long value = 0;
	size_t len = key ? strlen(key) : 0;
	FILE *f = fopen(path, "r");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (key && (strncmp(line, key, len) || !strchr(" :\t", line[len])))
			continue;
		if (sscanf(line + len, "%*[ :\t]%llu", &value) == 1 ||
		    sscanf(line + len, "%llu", &value) == 1)
			break;
	}
	if (f)
		fclose(f);
	return value;
}

bool host_set(const char *path, const char *fmt, ...)
{
	char text[64];
	va_list ap;
	bool done;
	int fd, n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, text, n) == n;
	n = errno;
	close(fd);
	errno = n;
	return done;
}

bool long_run(void)
{
	const char *text = getenv("LONG");

	return text && *text && strcmp(text, "0");
}
