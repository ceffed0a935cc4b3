/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/counts.h"

#include "base/buf.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHOWN 200 /* bytes of a script */

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
static struct shell_counts *map_counts(void)
{
	int fd = open_of(getenv(SHELL_COUNTS_VARIABLE), "counts", O_RDWR);
	void *at;

	if (fd < 0)
		return NULL;
	at = lseek(fd, 0, SEEK_END) < (off_t)sizeof(struct shell_counts) ?
		     MAP_FAILED :
		     mmap(NULL, sizeof(struct shell_counts),
			  PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

static struct shell_counts *mapped_counts(void)
{
	static struct shell_counts *counts;
	static bool looked;

	if (!looked)
		counts = map_counts();
	looked = true;
	return counts;
}

void shell_counts_add(enum shell_count count)
{
	struct shell_counts *counts = mapped_counts();

	if (counts)
		__atomic_fetch_add(&counts->n[count], 1, __ATOMIC_RELAXED);
}

void shell_counts_add_step_here(enum shell_step_why why)
{
	struct shell_counts *counts = mapped_counts();

	if (counts)
		__atomic_fetch_add(&counts->here[why], 1, __ATOMIC_RELAXED);
}

const char *shell_counts_step_words(enum shell_step_why why)
{
	return step_words[why];
}

bool shell_counts_wants_steps(enum shell_step_why *why)
{
	const struct shell_counts *counts = mapped_counts();
	uint64_t refused = SHELL_STEP_UNWANTED;

	if (counts)
		refused = __atomic_load_n(&counts->refused, __ATOMIC_RELAXED);
	if (refused == SHELL_STEP_WHYS)
		return true;
	*why = refused < SHELL_STEP_WHYS ? (enum shell_step_why)refused :
					   SHELL_STEP_UNWANTED;
	return false;
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
	int ret = make_file_of(dir, "counts", sizeof(struct shell_counts), err);

	if (!ret)
		ret = make_file_of(dir, "handed", 0, err);
	if (!ret)
		shell_counts_refuse_steps(dir, SHELL_STEP_UNWANTED);
	return ret;
}

void shell_counts_read(const char *dir, struct shell_counts *out)
{
	int fd = open_of(dir, "counts", O_RDONLY);

	if (fd < 0 || pread(fd, out, sizeof(*out), 0) != (ssize_t)sizeof(*out))
		*out = (struct shell_counts){ 0 };
	if (fd >= 0)
		close(fd);
}

void shell_counts_refuse_steps(const char *dir, enum shell_step_why why)
{
	const uint64_t refused = why;
	int fd = open_of(dir, "counts", O_WRONLY);

	if (fd < 0)
		return;
	if (pwrite(fd, &refused, sizeof(refused),
		   offsetof(struct shell_counts, refused)) < 0)
		(void)0; /* then it is as it was */
	close(fd);
}

void shell_counts_want_steps(const char *dir)
{
	shell_counts_refuse_steps(dir, SHELL_STEP_WHYS);
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
