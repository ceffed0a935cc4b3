/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/fuzz/replay-main.c - A main() that runs a fuzz target over files.
 *
 * Each argument is a file or a directory of files.  A missing argument is not
 * an error, so that a target can lack a corpus.  A small file is also truncated
 * at each byte, like a message of a peer that dies.
 */
#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (8u << 20)
#define CUT_MAX   2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long runs;

/* Copy to a block of the exact size, so that a sanitizer detects overreads. */
static void run(struct bytes in)
{
	uint8_t *exact = xmalloc(in.len);

	if (in.len)
		memcpy(exact, in.data, in.len);
	LLVMFuzzerTestOneInput(exact, in.len);
	free(exact);
	runs++;
}

static int replay_file(const char *path)
{
	struct err err = { 0 };
	struct buf in = { 0 };
	int ret = fs_read(path, INPUT_MAX, &in, &err);

	if (ret)
		fprintf(stderr, "%s\n", err.text);
	else
		run(buf_bytes(&in));
	for (size_t n = in.len < CUT_MAX ? in.len : 0; n-- > 0;)
		run(bytes_of(in.data, n));
	buf_release(&in);
	return ret;
}

static int replay_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int ret = 0;

	while (dir && (entry = readdir(dir)) != NULL) {
		char *file = xasprintf("%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.' && replay_file(file))
			ret = -1;
		free(file);
	}
	if (dir)
		closedir(dir);
	return ret;
}

int main(int argc, char **argv)
{
	int ret = 0;

	run(bytes_of(NULL, 0));
	for (int i = 1; i < argc; i++) {
		if (fs_is_dir(argv[i]))
			ret |= replay_dir(argv[i]);
		else if (fs_exists(argv[i]))
			ret |= replay_file(argv[i]);
	}
	printf("%lu inputs\n", runs);
	return ret ? 1 : 0;
}
