/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine/sys.h"

#include "base/fs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX   (4u << 20)
#define NUMBER_MAX 64
#define PATH_SIZE  512

static void sys_path(char out[static PATH_SIZE], const char *root,
		     const char *fmt, va_list ap)
{
	int n = snprintf(out, PATH_SIZE, "%s", root);

	/* A path that does not fit becomes "", which names no file. */
	if (n < 0 || n >= PATH_SIZE ||
	    vsnprintf(out + n, (size_t)(PATH_SIZE - n), fmt, ap) >=
		    PATH_SIZE - n)
		out[0] = '\0';
}

char *machine_sys_read_text(const char *root, const char *fmt, ...)
{
	struct buf in = { 0 };
	char path[PATH_SIZE];
	struct err ignored;
	va_list ap;
	int ret;

	va_start(ap, fmt);
	sys_path(path, root, fmt, ap);
	va_end(ap);
	ret = fs_read(path, TEXT_MAX, &in, &ignored);
	while (!ret && in.len &&
	       (!in.data[in.len - 1] || isspace(in.data[in.len - 1])))
		in.data[--in.len] = '\0';
	if (!ret && in.len)
		return buf_steal(&in);
	buf_release(&in);
	return ret ? NULL : xstrdup("");
}

bool machine_sys_read_number(const char *root, int64_t *out, const char *fmt,
			     ...)
{
	char path[PATH_SIZE], text[NUMBER_MAX], *end;
	long long value;
	va_list ap;
	ssize_t n;
	int fd;

	va_start(ap, fmt);
	sys_path(path, root, fmt, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || errno)
		return false;
	*out = value;
	return true;
}

int64_t machine_sys_to_millicelsius(int64_t raw)
{
	return raw > 0 && raw < 200 ? 1000 * raw : raw;
}

void machine_sys_list_dir(const char *root, const char *dir, const char *prefix,
			  struct strv *out)
{
	char *path = xasprintf("%s%s", root, dir);
	struct strv all = { 0 };

	fs_list(path, &all);
	for (size_t i = 0; i < all.n; i++) {
		if (str_starts(all.v[i], prefix))
			strv_add(out, all.v[i]);
	}
	strv_release(&all);
	free(path);
}

bool machine_sys_exists(const char *root, const char *fmt, ...)
{
	char path[PATH_SIZE];
	va_list ap;

	va_start(ap, fmt);
	sys_path(path, root, fmt, ap);
	va_end(ap);
	return fs_exists(path);
}

const char *machine_sys_find_value(const char *text, const char *name)
{
	size_t n = strlen(name);

	while (text) {
		if (!strncmp(text, name, n)) {
			const char *at = text + n;

			at += strspn(at, " \t");
			if (*at == ':')
				return at + 1 + strspn(at + 1, " \t");
		}
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

void machine_cpus_add(struct machine_cpus *set, unsigned cpu)
{
	if (cpu < MACHINE_CPUS_MAX)
		set->bits[cpu / 64] |= 1ull << (cpu % 64);
}

bool machine_cpus_parse(struct machine_cpus *out, const char *list)
{
	const char *at = list;

	*out = (struct machine_cpus){ 0 };
	while (*at && *at != '\n') {
		unsigned long first, last;
		char *end;

		if (!isdigit((unsigned char)*at))
			return false;
		first = last = strtoul(at, &end, 10);
		if (*end == '-') {
			at = end + 1;
			if (!isdigit((unsigned char)*at))
				return false;
			last = strtoul(at, &end, 10);
		}
		for (unsigned long i = first; i <= last && i < MACHINE_CPUS_MAX;
		     i++)
			machine_cpus_add(out, (unsigned)i);
		at = *end == ',' ? end + 1 : end;
		if (*end && *end != ',' && *end != '\n')
			return false;
	}
	return at != list;
}

void machine_cpus_intersect(struct machine_cpus *set,
			    const struct machine_cpus *other)
{
	for (size_t i = 0; i < MACHINE_CPUS_MAX / 64; i++)
		set->bits[i] &= other->bits[i];
}

/* Read a list of CPUs.  Returns false if the file is missing or invalid. */
static bool read_cpus(struct machine_cpus *out, const char *root,
		      const char *name)
{
	char *text = machine_sys_read_text(root, "/sys/devices/system/cpu/%s",
					   name);
	bool is_list = text && machine_cpus_parse(out, text);

	free(text);
	return is_list;
}

void machine_cpus_read_present(struct machine_cpus *out, const char *root)
{
	if (!read_cpus(out, root, "present") && !read_cpus(out, root, "online"))
		machine_cpus_parse(out, "0");
}

void machine_cpus_read_usable(struct machine_cpus *out, const char *root)
{
	char *status = machine_sys_read_text(root, "/proc/self/status");
	const char *line = status ? machine_sys_find_value(
					    status, "Cpus_allowed_list") :
				    NULL;
	struct machine_cpus allowed;

	if (!read_cpus(out, root, "online"))
		machine_cpus_read_present(out, root);
	if (line && machine_cpus_parse(&allowed, line))
		machine_cpus_intersect(out, &allowed);
	free(status);
}

bool machine_cpus_has(const struct machine_cpus *set, unsigned cpu)
{
	return cpu < MACHINE_CPUS_MAX && set->bits[cpu / 64] >> (cpu % 64) & 1;
}

unsigned machine_cpus_count(const struct machine_cpus *set)
{
	unsigned n = 0;

	for (size_t i = 0; i < MACHINE_CPUS_MAX / 64; i++)
		n += (unsigned)__builtin_popcountll(set->bits[i]);
	return n;
}
