/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/stats.h"

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

static const char *const fallback_reason_texts[] = {
#define FALLBACK_REASON(name, text) [SHELL_FALLBACK_##name] = (text),
#include "shell/fallback-reasons.h"
#undef FALLBACK_REASON
};

const char *shell_stats_fallback_reason_text(enum shell_fallback_reason why)
{
	return fallback_reason_texts[why];
}

#define SCRIPT_BYTES_LOGGED 200

static const char *const step_reason_texts[] = {
#define STEP_REASON(name, text) [SHELL_STEP_REASON_##name] = (text),
#include "shell/step-reasons.h"
#undef STEP_REASON
};

static int open_stats_file(const char *dir, const char *name, int flags)
{
	char path[PATH_MAX];

	if (!dir ||
	    snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_MAX)
		return -1;
	return open(path, flags | O_CLOEXEC, 0600);
}

/*
 * The statistics of the build that this process belongs to: mapped counts and
 * their directory, or NULL.
 */
static struct shell_stats *mapped_stats;
static const char *stats_dir;

bool shell_stats_open(const char *dir)
{
	int fd = open_stats_file(dir, "counts", O_RDWR);
	void *at;

	if (fd < 0)
		return false;
	/* Do not map, and thereby overwrite, a file of any other size. */
	at = lseek(fd, 0, SEEK_END) != (off_t)sizeof(struct shell_stats) ?
		     MAP_FAILED :
		     mmap(NULL, sizeof(struct shell_stats),
			  PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return false;
	mapped_stats = at;
	stats_dir = dir;
	return true;
}

void shell_stats_add(enum shell_stat count)
{
	if (mapped_stats)
		__atomic_fetch_add(&mapped_stats->counts[count], 1,
				   __ATOMIC_RELAXED);
}

void shell_stats_add_local_step(enum shell_step_reason why)
{
	if (mapped_stats)
		__atomic_fetch_add(&mapped_stats->n_local_steps[why], 1,
				   __ATOMIC_RELAXED);
}

const char *shell_stats_step_reason_text(enum shell_step_reason why)
{
	return step_reason_texts[why];
}

bool shell_stats_is_step_enabled(unsigned kind, enum shell_step_reason *why)
{
	uint64_t refused = SHELL_STEP_REASON_UNWANTED;

	if (mapped_stats)
		refused = __atomic_load_n(&mapped_stats->step_off_reasons[kind],
					  __ATOMIC_RELAXED);
	if (refused == SHELL_STEP_N_REASONS)
		return true;
	*why = refused < SHELL_STEP_N_REASONS ?
		       (enum shell_step_reason)refused :
		       SHELL_STEP_REASON_UNWANTED;
	return false;
}

const int *shell_stats_jobserver(void)
{
	return mapped_stats && mapped_stats->jobserver_fds[0] ?
		       mapped_stats->jobserver_fds :
		       NULL;
}

void shell_stats_add_identified(uint64_t hash)
{
	size_t first = hash % SHELL_STATS_IDENTIFIED_MAX;

	if (!mapped_stats)
		return;
	for (size_t i = 0; i < SHELL_STATS_IDENTIFIED_MAX; i++) {
		uint64_t *entry =
			&mapped_stats->identified[(first + i) %
						  SHELL_STATS_IDENTIFIED_MAX];
		uint64_t empty = 0;

		if (__atomic_compare_exchange_n(entry, &empty, hash, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED) ||
		    empty == hash)
			return;
	}
	__atomic_store_n(&mapped_stats->identified[first], hash,
			 __ATOMIC_RELAXED);
}

bool shell_stats_is_identified(uint64_t hash)
{
	if (!mapped_stats || !hash)
		return false;
	for (size_t i = 0; i < SHELL_STATS_IDENTIFIED_MAX; i++) {
		if (__atomic_load_n(&mapped_stats->identified[i],
				    __ATOMIC_RELAXED) == hash)
			return true;
	}
	return false;
}

/*
 * The line in `handed` is written by a single write(2), so that the lines of
 * concurrent shells do not mix.
 */
void shell_stats_add_fallback(enum shell_fallback_reason why,
			      struct bytes script)
{
	int fd = open_stats_file(stats_dir, "handed", O_WRONLY | O_APPEND);
	struct buf line = { 0 };

	shell_stats_add(SHELL_STAT_FALLBACKS);
	if (fd < 0)
		return;
	buf_add_str(&line, shell_stats_fallback_reason_text(why));
	buf_add_str(&line, "\t");
	for (size_t i = 0; i < script.len && i < SCRIPT_BYTES_LOGGED; i++) {
		char c = (char)script.data[i];

		if (c < ' ' || c > '~')
			c = c == '\n' ? ' ' : '?';
		buf_add(&line, &c, 1);
	}
	buf_add_str(&line, "\n");
	if (write(fd, line.data, line.len) < 0)
		(void)0; /* a full disk must not stop the build */
	close(fd);
	buf_release(&line);
}

static int create_stats_file(const char *dir, const char *name, size_t size,
			     struct err *err)
{
	int fd = open_stats_file(dir, name, O_RDWR | O_CREAT | O_TRUNC);
	int ret = 0;

	if (fd < 0 || ftruncate(fd, (off_t)size))
		ret = err_errno(err, "%s/%s", dir, name);
	if (fd >= 0)
		close(fd);
	return ret;
}

int shell_stats_create(const char *dir, struct err *err)
{
	int ret = create_stats_file(dir, "counts", sizeof(struct shell_stats),
				    err);

	if (!ret)
		ret = create_stats_file(dir, "handed", 0, err);
	if (!ret)
		shell_stats_set_steps(dir, SHELL_STATS_ALL_STEPS,
				      SHELL_STEP_REASON_UNWANTED);
	return ret;
}

void shell_stats_read(const char *dir, struct shell_stats *out)
{
	int fd = open_stats_file(dir, "counts", O_RDONLY);

	if (fd < 0 || pread(fd, out, sizeof(*out), 0) != (ssize_t)sizeof(*out))
		*out = (struct shell_stats){ 0 };
	if (fd >= 0)
		close(fd);
}

void shell_stats_set_steps(const char *dir, unsigned kinds,
			   enum shell_step_reason why)
{
	const uint64_t refused = why;
	int fd = open_stats_file(dir, "counts", O_WRONLY);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < SHELL_STATS_STEP_KINDS; i++) {
		size_t at = offsetof(struct shell_stats, step_off_reasons) +
			    i * sizeof(refused);

		if (kinds & 1u << i &&
		    pwrite(fd, &refused, sizeof(refused), (off_t)at) < 0)
			(void)0; /* the reason then stays unchanged */
	}
	close(fd);
}

void shell_stats_set_jobserver(const char *dir, const int fds[2])
{
	int fd = open_stats_file(dir, "counts", O_WRONLY);

	if (fd < 0)
		return;
	if (pwrite(fd, fds, 2 * sizeof(*fds),
		   offsetof(struct shell_stats, jobserver_fds)) < 0)
		(void)0; /* some makes then run without jobserver */
	close(fd);
}

void shell_stats_read_fallbacks(const char *dir,
				uint64_t n[static SHELL_FALLBACK_N_REASONS])
{
	int fd = open_stats_file(dir, "handed", O_RDONLY);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[2 * SCRIPT_BYTES_LOGGED];

	memset(n, 0, SHELL_FALLBACK_N_REASONS * sizeof(*n));
	while (f && fgets(line, sizeof(line), f)) {
		for (int i = 0; i < SHELL_FALLBACK_N_REASONS; i++) {
			const char *text = shell_stats_fallback_reason_text(i);
			size_t len = strlen(text);

			if (!strncmp(line, text, len) && line[len] == '\t')
				n[i]++;
		}
	}
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
}
