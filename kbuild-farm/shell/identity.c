/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/identity.h"

#include "base/bytes.h"
#include "base/file-stamp.h"
#include "shell/stats.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Return a hash of the file stamp and of `text`, the first text of the list. */
static uint64_t hash_program(const struct file_stamp *stamp, const char *text)
{
	const uint64_t fields[] = { stamp->dev, stamp->ino, stamp->size,
				    (uint64_t)stamp->mtime_ns,
				    (uint64_t)stamp->ctime_ns };
	uint8_t bytes[sizeof(fields)];

	memcpy(bytes, fields, sizeof(bytes));
	return bytes_hash(bytes_str(text),
			  bytes_hash(bytes_of(bytes, sizeof(bytes)), 0));
}

static bool has_any_text(const char *program, size_t size,
			 const char *const *texts)
{
	if (size <= SELFMAG || memcmp(program, ELFMAG, SELFMAG))
		return false;
	if (!*texts)
		return true;
	for (; *texts; texts++) {
		if (memmem(program, size, *texts, strlen(*texts)))
			return true;
	}
	return false;
}

static bool search_program(const char *path, const struct file_stamp *stamp,
			   const char *const *texts)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct file_stamp now = { 0 };
	void *at = MAP_FAILED;
	bool found = false;
	struct stat st;

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size) {
		file_stamp_from_stat(&now, &st);
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			  0);
	}
	close(fd);
	if (at == MAP_FAILED)
		return false;
	found = file_stamp_equal(&now, stamp) &&
		has_any_text(at, (size_t)st.st_size, texts);
	munmap(at, (size_t)st.st_size);
	return found;
}

bool shell_identity_check(const char *path, const struct stat *st,
			  const char *const *texts)
{
	struct file_stamp stamp;
	uint64_t hash;

	file_stamp_from_stat(&stamp, st);
	hash = hash_program(&stamp, *texts ? *texts : "");
	if (shell_stats_is_identified(hash))
		return true;
	if (!search_program(path, &stamp, texts))
		return false;
	if (file_stamp_is_reliable(&stamp, file_stamp_now_ns()))
		shell_stats_add_identified(hash);
	return true;
}
