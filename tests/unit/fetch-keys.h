/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch-keys.h - The keys and signatures of tests/toolchain/signatures.sh, made
 * once per test program in a temporary directory.  keys_make() and
 * keys_remove() are an unchecked fixture.
 */
#ifndef FETCH_KEYS_H
#define FETCH_KEYS_H

#include "../lib/test.h"
#include "base/spawn.h"
#include "fetch/key.h"

static char keys_dir[64];

static inline void keys_make(void)
{
	char *argv[] = { (char *)"tests/toolchain/signatures.sh", keys_dir,
			 NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, 2, 2 } };
	struct err err = { 0 };
	pid_t pid;

	strcpy(keys_dir, "/tmp/kfarm-keys.XXXXXX");
	ck_assert(mkdtemp(keys_dir));
	must(spawn_start(&what, &pid, &err));
	ck_assert_int_eq(spawn_wait(pid), 0);
}

static inline void keys_remove(void)
{
	struct err err = { 0 };

	must(fs_remove(keys_dir, &err));
}

/* Return DIR/NAME; the caller frees it. */
static inline char *keys_path(const char *name)
{
	return xasprintf("%s/%s", keys_dir, name);
}

/* Return the content of DIR/NAME. */
static inline struct buf keys_read(const char *name)
{
	char *path = keys_path(name);
	struct buf content = { 0 };
	struct err err = { 0 };

	must(fs_read(path, 8 << 20, &content, &err));
	free(path);
	return content;
}

static inline void keys_fingerprint(const char *key,
				    char out[static FETCH_FINGERPRINT_SIZE])
{
	char *name = xasprintf("keys/%s.fpr", key);
	struct buf text = keys_read(name);

	ck_assert_uint_eq(text.len, FETCH_FINGERPRINT_SIZE);
	memcpy(out, text.data, FETCH_FINGERPRINT_SIZE - 1);
	out[FETCH_FINGERPRINT_SIZE - 1] = '\0';
	buf_release(&text);
	free(name);
}

#endif
