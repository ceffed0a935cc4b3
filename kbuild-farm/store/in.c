/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/state.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct store_in {
	struct store *s;
	struct digest digest;
	uint64_t size, got;
	struct digest_run *run;
	int fd;
	char name[STORE_NAME_MAX]; /* in the private directory */
	bool pin;
	int failed; /* what every further call answers */
};

int store_in_begin(struct store_in **out, struct store *s,
		   const struct digest *d, uint64_t size, bool pin)
{
	struct store_in *in;
	int ret = store_room_take(s, size);

	if (ret)
		return ret;
	in = xcalloc(1, sizeof(*in));
	in->s = s;
	in->digest = *d;
	in->size = size;
	in->pin = pin;
	snprintf(in->name, sizeof(in->name), "in.%u",
		 atomic_fetch_add(&s->serial, 1));
	in->fd = openat(s->private, in->name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (in->fd < 0) {
		ret = -errno;
		store_room_drop(s, size);
		free(in);
		return ret;
	}
	in->run = digest_new();
	*out = in;
	return 0;
}

int store_in_add(struct store_in *in, struct bytes piece)
{
	if (in->failed)
		return in->failed;
	if (piece.len > in->size - in->got)
		in->failed = -EMSGSIZE;
	else
		in->failed = fs_write_all(in->fd, piece);
	if (in->failed) {
		/* The disk may be full: what is worthless goes at once. */
		unlinkat(in->s->private, in->name, 0);
		close(in->fd);
		in->fd = -1;
		return in->failed;
	}
	digest_add(in->run, piece);
	in->got += piece.len;
	return 0;
}

static int verify(struct store_in *in)
{
	struct digest sum;

	if (in->failed)
		return in->failed;
	digest_end(in->run, &sum);
	in->run = NULL;
	if (in->got != in->size || !digest_equal(&sum, &in->digest))
		return -EBADMSG;
	return fchmod(in->fd, 0444) ? -errno : 0;
}

/* Rename it to where it belongs; *replaced: what disk space that freed. */
static int rename_blob(struct store_in *in, uint64_t *replaced)
{
	struct store_place at;
	struct stat st;
	int ret = store_place_init(in->s, &at, &in->digest, true);

	if (ret)
		return ret;
	/* Removes what is no plain file, which rename() would not replace. */
	if (!store_entry_stat(in->s, at.dir, at.name, &st))
		*replaced = (uint64_t)st.st_size;
	if (renameat(in->s->private, in->name, at.dir, at.name))
		ret = -errno;
	store_place_release(&at);
	return ret;
}

int store_in_end(struct store_in *in)
{
	uint64_t replaced = UINT64_MAX;
	int ret = verify(in);

	if (!ret)
		ret = store_pin_renew(in->s, &in->digest, in->name, in->pin);
	if (!ret) {
		ret = rename_blob(in, &replaced);
		if (ret && in->pin)
			store_unpin(in->s, &in->digest);
	}
	if (!ret) {
		store_room_fill(in->s, in->size, replaced);
		in->name[0] = '\0';
	}
	store_in_abort(in);
	return ret;
}

void store_in_abort(struct store_in *in)
{
	if (!in)
		return;
	if (in->name[0]) {
		unlinkat(in->s->private, in->name, 0);
		store_room_drop(in->s, in->size);
	}
	if (in->fd >= 0)
		close(in->fd);
	if (in->run)
		digest_end(in->run, NULL);
	free(in);
}
