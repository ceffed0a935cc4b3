/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/fixdep-program.h"

#include "base/buf.h"
#include "base/depfile.h"
#include "base/digest.h"
#include "base/file-stamp.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/state-file.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "inputs/rebuild.h"
#include "inputs/saved-command.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM_BYTES_MAX ((size_t)16 << 20)
#define SOURCE_BYTES_MAX  ((size_t)1 << 20)

static const struct {
	const char *hex; /* SHA-256 of fixdep's source */
	const char *name; /* contents of the record in the cache directory */
	enum inputs_fixdep_kind kind;
} sources[] = {
	{ "688af79f69bebcd80665e5f8eee0666a4d5e404b92f0269d0ca7c6b5bc84d7d4",
	  "6.1", INPUTS_FIXDEP_KIND_6_1 },
	{ "512a85c24ca2cdd44d1d652e071abc6650cf4776e21979e0a08b421178f59590",
	  "6.12", INPUTS_FIXDEP_KIND_6_12 },
};

struct program {
	char *path;
	struct file_stamp stamp; /* zeroed: not identified yet */
	/*
	 * stamp of .fixdep.cmd when a rebuild was last considered; zeroed: no
	 * rebuild was considered yet.  This file can change after the program,
	 * because a newly built fixdep writes it in its first run.
	 */
	struct file_stamp command_stamp;
	char hex[DIGEST_HEX]; /* SHA-256 of the program; "" for a script */
	enum inputs_fixdep_kind kind;
};

struct inputs_fixdep_programs {
	char *cache_dir, *work_dir;
	pthread_mutex_t lock; /* protects the members after it */
	struct program **programs;
	size_t n_programs;
	struct task *task; /* the last rebuild; NULL: none was started */
	struct program *rebuilt; /* being rebuilt now, or NULL */
	struct file_stamp rebuilt_stamp;
	atomic_bool stop;
};

struct inputs_fixdep_programs *inputs_fixdep_programs_new(const char *cache_dir,
							  const char *work_dir)
{
	struct inputs_fixdep_programs *f = xcalloc(1, sizeof(*f));

	f->cache_dir = cache_dir ? xstrdup(cache_dir) : NULL;
	f->work_dir = xstrdup(work_dir);
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

void inputs_fixdep_programs_wait(struct inputs_fixdep_programs *f)
{
	struct task *task;

	pthread_mutex_lock(&f->lock);
	task = f->task;
	f->task = NULL;
	pthread_mutex_unlock(&f->lock);
	if (task)
		task_join(task);
}

void inputs_fixdep_programs_free(struct inputs_fixdep_programs *f)
{
	if (!f)
		return;
	atomic_store(&f->stop, true);
	inputs_fixdep_programs_wait(f);
	for (size_t i = 0; i < f->n_programs; i++) {
		free(f->programs[i]->path);
		free(f->programs[i]);
	}
	free(f->programs);
	pthread_mutex_destroy(&f->lock);
	free(f->cache_dir);
	free(f->work_dir);
	free(f);
}

/* Return the stamp of a file, or a zeroed stamp. */
static struct file_stamp read_stamp(const char *path)
{
	struct file_stamp stamp = { 0 };
	struct stat st;

	if (!stat(path, &st))
		file_stamp_from_stat(&stamp, &st);
	return stamp;
}

/* ----------------------------------------------------------------- rebuild */

static enum inputs_fixdep_kind source_kind(const char *path)
{
	enum inputs_fixdep_kind kind = INPUTS_FIXDEP_KIND_UNKNOWN;
	char hex[DIGEST_HEX];
	struct buf text = { 0 };
	struct digest d;
	struct err err;

	if (fs_read(path, SOURCE_BYTES_MAX, &text, &err))
		return kind;
	digest_bytes(buf_bytes(&text), &d);
	digest_format(&d, hex);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!strcmp(hex, sources[i].hex))
			kind = sources[i].kind;
	}
	buf_release(&text);
	return kind;
}

/*
 * Return the path of the C source file in fixdep's saved command.  Returns NULL
 * if the command has several source files.  Also returns NULL if it has
 * objects, macros, included files or libraries, because these can change the
 * meaning of the source.
 */
static char *find_source(const char *program)
{
	static const char *const changing[] = { "-D", "-U", "-i", "-l", "-L" };
	struct inputs_saved_command saved;
	struct err err;
	const char *source = NULL;
	bool plain = !inputs_saved_command_read(&saved, program, &err);
	char *path;

	for (size_t i = 1; i < saved.words.n; i++) {
		const char *word = saved.words.v[i];

		for (size_t j = 0; j < ARRAY_SIZE(changing); j++)
			plain &= !str_starts(word, changing[j]);
		if (*word == '-')
			continue;
		plain &= !str_ends(word, ".o");
		if (str_ends(word, ".c")) {
			plain &= !source;
			source = word;
		}
	}
	path = plain && source ? str_join_path(saved.build_dir, source) : NULL;
	inputs_saved_command_release(&saved);
	return path;
}

/*
 * Rebuild the program if its source is known.  Returns the version of the
 * source if the rebuilt program is equal to the program, otherwise UNKNOWN.
 * *differs becomes true if the rebuilt program differs, otherwise false.  The
 * source is read before and after the rebuild, because the user may edit it
 * concurrently.
 */
static enum inputs_fixdep_kind rebuild_program(struct inputs_fixdep_programs *f,
					       const char *path, bool *differs)
{
	char *output = xasprintf("%s/fixdep", f->work_dir);
	const struct inputs_rebuild rebuild = { .program = path,
						.output_path = output,
						.env = environ,
						.cancelled = &f->stop };
	char *source = find_source(path);
	enum inputs_fixdep_kind kind = INPUTS_FIXDEP_KIND_UNKNOWN;
	struct err err;
	int ret = 0;

	if (source)
		kind = source_kind(source);
	if (kind)
		ret = inputs_rebuild_compare(&rebuild, &err);
	*differs = ret == -ESTALE;
	if (ret) {
		log_debug("%s", err.text);
		kind = INPUTS_FIXDEP_KIND_UNKNOWN;
	}
	if (kind && source_kind(source) != kind)
		kind = INPUTS_FIXDEP_KIND_UNKNOWN;
	free(source);
	free(output);
	return kind;
}

/* -------------------------------------------------------------------- cache */

static const struct state_file cache_file = {
	.max_bytes = 256,
	.mode = 0600,
	.is_private = true,
};

static char *cached_name(const struct inputs_fixdep_programs *f,
			 const char *hex)
{
	return xasprintf("%s/fixdep-%s", f->cache_dir, hex);
}

/* Append the record of the program, if it exists. */
static void read_record(const struct inputs_fixdep_programs *f, const char *hex,
			struct buf *text)
{
	struct err err;
	char *path;

	if (!f->cache_dir)
		return;
	path = cached_name(f, hex);
	if (state_file_read(&cache_file, path, text, &err))
		buf_reset(text);
	free(path);
}

static enum inputs_fixdep_kind read_cached_kind(
	const struct inputs_fixdep_programs *f, const char *hex)
{
	enum inputs_fixdep_kind kind = INPUTS_FIXDEP_KIND_UNKNOWN;
	struct buf text = { 0 };

	read_record(f, hex, &text);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!strcmp(buf_str(&text), sources[i].name))
			kind = sources[i].kind;
	}
	buf_release(&text);
	return kind;
}

/*
 * Return the record for a program that differs from the result of its saved
 * command.  `command` is the stamp of the file with this command.  The caller
 * frees the record.
 */
static char *difference_record(const struct file_stamp *command)
{
	char *stamp = file_stamp_format(command);
	char *text = xasprintf("differs %s", stamp);

	free(stamp);
	return text;
}

static bool is_known_difference(const struct inputs_fixdep_programs *f,
				const char *hex,
				const struct file_stamp *command)
{
	char *differs = difference_record(command);
	struct buf text = { 0 };
	bool known;

	read_record(f, hex, &text);
	known = !strcmp(buf_str(&text), differs);
	buf_release(&text);
	free(differs);
	return known;
}

static void write_record(const struct inputs_fixdep_programs *f,
			 const char *hex, const char *text)
{
	struct err err;
	char *path;

	if (!f->cache_dir)
		return;
	path = cached_name(f, hex);
	/* If the write fails, the next build rebuilds the program again. */
	if (!fs_mkdirs(f->cache_dir, 0700, &err))
		state_file_write(&cache_file, path, bytes_str(text), &err);
	free(path);
}

static void write_cached_kind(const struct inputs_fixdep_programs *f,
			      const char *hex, enum inputs_fixdep_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (sources[i].kind == kind)
			write_record(f, hex, sources[i].name);
	}
}

/* ----------------------------------------------------------- identification */

/* Read the program and look for its digest in the cache. */
static void identify_program(const struct inputs_fixdep_programs *f,
			     struct program *p, const struct file_stamp *now)
{
	static const char elf[] = "\177ELF";
	int64_t began = file_stamp_now_ns();
	struct buf content = { 0 };
	struct file_stamp after;
	struct digest d;
	struct err err;

	p->kind = INPUTS_FIXDEP_KIND_UNKNOWN;
	p->stamp = p->command_stamp = (struct file_stamp){ 0 };
	*p->hex = '\0';
	if (!fs_read(p->path, PROGRAM_BYTES_MAX, &content, &err) &&
	    content.len > strlen(elf) &&
	    !memcmp(content.data, elf, strlen(elf)) && !access(p->path, X_OK)) {
		digest_bytes(buf_bytes(&content), &d);
		digest_format(&d, p->hex);
	}
	buf_release(&content);
	after = read_stamp(p->path);
	/* Read a racily clean program again at the next call. */
	if (!file_stamp_equal(now, &after) ||
	    !file_stamp_is_reliable(now, began))
		return;
	p->stamp = *now;
	if (*p->hex)
		p->kind = read_cached_kind(f, p->hex);
}

/* Runs on a separate thread. */
static void rebuild_on_thread(void *arg)
{
	struct inputs_fixdep_programs *f = arg;
	struct program *p = f->rebuilt;
	bool differs, same;
	enum inputs_fixdep_kind kind = rebuild_program(f, p->path, &differs);
	struct file_stamp now = read_stamp(p->path);

	pthread_mutex_lock(&f->lock);
	/* Discard the result if the program was replaced in the meantime. */
	same = file_stamp_equal(&now, &f->rebuilt_stamp) &&
	       file_stamp_equal(&p->stamp, &now);
	if (kind && same) {
		p->kind = kind;
		write_cached_kind(f, p->hex, kind);
	} else if (differs && same) {
		char *text = difference_record(&p->command_stamp);

		write_record(f, p->hex, text);
		free(text);
	}
	f->rebuilt = NULL;
	pthread_mutex_unlock(&f->lock);
}

/*
 * Rebuild an unknown program, once for each version of its saved command.  The
 * caller holds the lock.
 */
static void start_rebuild(struct inputs_fixdep_programs *f, struct program *p)
{
	char *command_path = depfile_cmd_path(p->path);
	struct file_stamp command = read_stamp(command_path);

	free(command_path);
	if (f->rebuilt || !command.ino ||
	    file_stamp_equal(&command, &p->command_stamp))
		return;
	p->command_stamp = command;
	if (is_known_difference(f, p->hex, &command))
		return;
	if (f->task)
		task_join(f->task);
	f->rebuilt = p;
	f->rebuilt_stamp = p->stamp;
	f->task = task_start(rebuild_on_thread, f);
	if (!f->task)
		f->rebuilt = NULL;
}

/* The caller holds the lock. */
static struct program *find_program(struct inputs_fixdep_programs *f,
				    const char *path)
{
	struct program *p;

	for (size_t i = 0; i < f->n_programs; i++) {
		if (!strcmp(f->programs[i]->path, path))
			return f->programs[i];
	}
	p = xcalloc(1, sizeof(*p));
	p->path = xstrdup(path);
	*VEC_ADD(f->programs, f->n_programs) = p;
	return p;
}

enum inputs_fixdep_kind inputs_fixdep_programs_get(
	struct inputs_fixdep_programs *f, const char *path)
{
	struct file_stamp now = read_stamp(path);
	enum inputs_fixdep_kind kind;
	struct program *p;

	if (!now.ino)
		return INPUTS_FIXDEP_KIND_UNKNOWN;
	pthread_mutex_lock(&f->lock);
	p = find_program(f, path);
	if (!file_stamp_equal(&p->stamp, &now))
		identify_program(f, p, &now);
	if (!p->kind && p->stamp.ino && *p->hex)
		start_rebuild(f, p);
	kind = p->kind;
	pthread_mutex_unlock(&f->lock);
	return kind;
}
