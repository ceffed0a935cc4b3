/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/elfsize.h"

#include "base/str.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTIONS_MAX 65536

/* A file of either width and either byte order. */
struct elf {
	int fd;
	bool wide, big;
};

static uint64_t number(const struct elf *e, const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * (e->big ? bytes - 1 - i : i);
	return v;
}

/* The header's fields differ in place and width; see elf(5). */
static int read_header(struct elf *e, uint64_t *table, unsigned *count,
		       unsigned *size)
{
	uint8_t h[64];

	if (pread(e->fd, h, sizeof(h), 0) != sizeof(h) ||
	    memcmp(h, ELFMAG, SELFMAG))
		return -ENOEXEC;
	e->wide = h[EI_CLASS] == ELFCLASS64;
	e->big = h[EI_DATA] == ELFDATA2MSB;
	*table = e->wide ? number(e, h + 40, 8) : number(e, h + 32, 4);
	*size = (unsigned)number(e, h + (e->wide ? 58 : 46), 2);
	*count = (unsigned)number(e, h + (e->wide ? 60 : 48), 2);
	if (*size != (e->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return -ENOEXEC;
	return *count <= SECTIONS_MAX ? 0 : -ENOEXEC;
}

static void add_section(struct kernel_elfsize *out, const struct elf *e,
			const uint8_t *s)
{
	uint64_t type = number(e, s + 4, 4);
	uint64_t flags = number(e, s + 8, e->wide ? 8 : 4);
	uint64_t size = e->wide ? number(e, s + 32, 8) : number(e, s + 20, 4);

	if (!(flags & SHF_ALLOC))
		return;
	if ((flags & SHF_EXECINSTR) || !(flags & SHF_WRITE))
		out->text += size;
	else if (type == SHT_NOBITS)
		out->bss += size;
	else
		out->data += size;
}

static int read_sections(struct kernel_elfsize *out, struct elf *e)
{
	uint64_t table;
	unsigned count, size;
	int ret = read_header(e, &table, &count, &size);
	uint8_t *all;
	ssize_t want;

	if (ret)
		return ret;
	want = (ssize_t)count * size;
	all = xmalloc((size_t)want);
	if (pread(e->fd, all, (size_t)want, (off_t)table) != want)
		ret = -ENOEXEC;
	for (unsigned i = 0; !ret && i < count; i++)
		add_section(out, e, all + (size_t)i * size);
	free(all);
	return ret;
}

int kernel_elfsize_read(struct kernel_elfsize *out, const char *path)
{
	struct elf e = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	struct stat st;
	int ret;

	*out = (struct kernel_elfsize){ 0 };
	if (e.fd < 0)
		return -errno;
	ret = read_sections(out, &e);
	if (!ret && !fstat(e.fd, &st))
		out->file = (uint64_t)st.st_size;
	close(e.fd);
	return ret;
}
