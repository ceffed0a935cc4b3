/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/counts.h"

#include "base/buf.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHOWN 200 /* bytes of a script */
#define SIZE  (SHELL_COUNTS * sizeof(uint64_t))
/* Behind the counts, and all that is mapped. */
#define WANTED SHELL_COUNTS
#define HERE   (WANTED + 1)
#define MAPPED ((HERE + SHELL_STEP_WHYS) * sizeof(uint64_t))

static const char *const step_words[] = {
#define STEP_WHY(name, text) [SHELL_STEP_##name] = (text),
#include "shell/step-why-list.h"
#undef STEP_WHY
};

static int open_of(const char *dir, const char *name, int flags)
{
	char path[PATH_MAX];

	if (!dir ||
	    snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_MAX)
		return -1;
	return open(path, flags | O_CLOEXEC, 0600);
}

/* NULL where there are none. */
static uint64_t *map_counts(void)
{
	int fd = open_of(getenv(SHELL_COUNTS_VARIABLE), "counts", O_RDWR);
	void *at;

	if (fd < 0)
		return NULL;
	at = lseek(fd, 0, SEEK_END) < (off_t)MAPPED ?
		     MAP_FAILED :
		     mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  0);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

static uint64_t *mapped_counts(void)
{
	static uint64_t *counts;
	static bool looked;

	if (!looked)
		counts = map_counts();
	looked = true;
	return counts;
}

static void add_to_count(size_t i)
{
	uint64_t *counts = mapped_counts();

	if (counts)
		__atomic_fetch_add(&counts[i], 1, __ATOMIC_RELAXED);
}

void shell_counts_add(enum shell_count count)
{
	add_to_count(count);
}

void shell_counts_add_step_here(enum shell_step_why why)
{
	add_to_count(HERE + why);
}

const char *shell_counts_step_words(enum shell_step_why why)
{
	return step_words[why];
}

bool shell_counts_wants_steps(void)
{
	const uint64_t *counts = mapped_counts();

	return counts && __atomic_load_n(&counts[WANTED], __ATOMIC_RELAXED);
}

/* One write, so that lines of shells at work at once do not mix. */
void shell_counts_add_handed(enum shell_why why, struct bytes script)
{
	int fd = open_of(getenv(SHELL_COUNTS_VARIABLE), "handed",
			 O_WRONLY | O_APPEND);
	struct buf line = { 0 };

	shell_counts_add(SHELL_COUNT_HANDED);
	if (fd < 0)
		return;
	buf_add_str(&line, shell_why_words(why));
	buf_add_str(&line, "\t");
	for (size_t i = 0; i < script.len && i < SHOWN; i++) {
		char c = (char)script.data[i];

		if (c < ' ' || c > '~')
			c = c == '\n' ? ' ' : '?';
		buf_add(&line, &c, 1);
	}
	buf_add_str(&line, "\n");
	if (write(fd, line.data, line.len) < 0)
		(void)0; /* a full disk is no reason to stop */
	close(fd);
	buf_release(&line);
}

static int make_file_of(const char *dir, const char *name, size_t size,
			struct err *err)
{
	int fd = open_of(dir, name, O_RDWR | O_CREAT | O_TRUNC);
	int ret = 0;

	if (fd < 0 || ftruncate(fd, (off_t)size))
		ret = err_errno(err, "%s/%s", dir, name);
	if (fd >= 0)
		close(fd);
	return ret;
}

int shell_counts_make(const char *dir, struct err *err)
{
	int ret = make_file_of(dir, "counts", MAPPED, err);

	return ret ? ret : make_file_of(dir, "handed", 0, err);
}

static void read_from_file(const char *dir, size_t first, uint64_t *n,
			   size_t len)
{
	const off_t at = (off_t)(first * sizeof(*n));
	int fd = open_of(dir, "counts", O_RDONLY);

	if (fd < 0 || pread(fd, n, len, at) != (ssize_t)len)
		memset(n, 0, len);
	if (fd >= 0)
		close(fd);
}

void shell_counts_read(const char *dir, uint64_t n[static SHELL_COUNTS])
{
	read_from_file(dir, 0, n, SIZE);
}

void shell_counts_read_steps_here(const char *dir,
				  uint64_t n[static SHELL_STEP_WHYS])
{
	read_from_file(dir, HERE, n, SHELL_STEP_WHYS * sizeof(*n));
}

void shell_counts_want_steps(const char *dir, bool wanted)
{
	const uint64_t flag = wanted;
	int fd = open_of(dir, "counts", O_WRONLY);

	if (fd < 0)
		return;
	if (pwrite(fd, &flag, sizeof(flag), (off_t)SIZE) < 0)
		(void)0; /* then none is asked for */
	close(fd);
}

static void count_reason(const char *line, uint64_t n[static SHELL_WHY_COUNT])
{
	for (int i = 0; i < SHELL_WHY_COUNT; i++) {
		const char *words = shell_why_words(i);
		size_t len = strlen(words);

		if (!strncmp(line, words, len) && line[len] == '\t')
			n[i]++;
	}
}

void shell_counts_read_handed(const char *dir,
			      uint64_t n[static SHELL_WHY_COUNT])
{
	int fd = open_of(dir, "handed", O_RDONLY);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[2 * SHOWN];

	memset(n, 0, SHELL_WHY_COUNT * sizeof(*n));
	while (f && fgets(line, sizeof(line), f))
		count_reason(line, n);
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
}
