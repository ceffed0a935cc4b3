/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kconfig/kconfig.h - Settings, and the requested configuration of a build.
 *
 * -k selects the base: a configuration target of make (defconfig), a file, or
 * the text of a URL.  Without -k, the base is the existing .config, or
 * defconfig if no .config exists.  -K adds fragments: files, names in the tree,
 * URLs, or settings (CONFIG_X=v).  If -k names a section [config "NAME"] of
 * kfarm's configuration file, the section provides the base and fragments,
 * which precede the fragments of -K.
 *
 *	CONFIG_X=VALUE		y, m, n, a number, or a string in double quotes
 *	# CONFIG_X is not set	n
 *
 * Kconfig ignores all other lines (conf_read_simple() in the kernel's
 * scripts/kconfig/confdata.c).  The last setting of a symbol counts.
 */
#ifndef KCONFIG_KCONFIG_H
#define KCONFIG_KCONFIG_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"
#include "kconfig/request.h"

#include <stdbool.h>

/*
 * Return the value that `config` assigns to `symbol` ("CONFIG_X"), borrowed
 * from `config`.  If `config` does not contain the symbol, `data` of the result
 * is NULL.
 */
struct bytes kconfig_dotconfig_find_value(const char *config,
					  const char *symbol);

/* Return true if `word` begins like a setting: "CONFIG_" or "# CONFIG_". */
bool kconfig_dotconfig_is_assignment(const char *word);
/* Maximum size of a configuration in bytes, before and after decompression. */
#define KCONFIG_TEXT_MAX (16u << 20)

/*
 * Decode a configuration of unknown origin into *out, which the caller frees;
 * the text ends in a newline unless it is empty.  Data compressed by gzip
 * (/proc/config.gz), xz, bzip2 or zstd is decompressed.  Returns 0; or, with
 * `err` set, -EINVAL if the data cannot be decompressed, contains a NUL byte,
 * or contains text but no setting; -EFBIG if the decompressed text exceeds
 * KCONFIG_TEXT_MAX.  Comments do not count as text.  `err` does not name the
 * source.
 */
int kconfig_decode_text(struct bytes raw, char **out, struct err *err);
/* Like kconfig_decode_text(), for the file `path`; `err` names the file. */
int kconfig_read_text(const char *path, char **out, struct err *err);

/* Configuration targets of make that every kernel tree has. */
#define KCONFIG_MAKE_TARGETS                                            \
	"defconfig allnoconfig allyesconfig allmodconfig alldefconfig " \
	"randconfig tinyconfig localmodconfig localyesconfig"

enum kconfig_base_kind {
	KCONFIG_BASE_EXISTING, /* the .config of the build directory */
	KCONFIG_BASE_TARGET, /* `make TARGET` */
	KCONFIG_BASE_FILE,
};

struct kconfig_fragment {
	/* name that the user wrote, without the password of a URL */
	char *name;
	char *location; /* "-K", or "FILE:LINE" of kfarm's configuration */
	bool literal; /* the fragment is a setting, CONFIG_X=v, not a file */
	/* in kernel/configs or arch/SRCARCH/configs of the tree */
	bool of_tree;
	char *text;
};

struct kconfig_spec {
	enum kconfig_base_kind base;
	char *target; /* KCONFIG_BASE_TARGET */
	char *file_name; /* name of a KCONFIG_BASE_FILE, for display */
	char *base_text; /* text of a KCONFIG_BASE_FILE */
	struct kconfig_fragment *fragments;
	size_t n_fragments;
	/* last setting of each symbol in the fragments */
	struct map requested;
	/* notes for the user about ignored lines and overrides */
	struct strv notes;
};

/*
 * Resolve the configuration that `r` requests.  `have_config` means that the
 * build directory has a .config, which is the base unless -k is given.  Returns
 * 0, or a negative errno with `err` naming the base or fragment and the cause.
 * -ENOENT means that another revision of the tree may have the file.  The
 * caller releases `k`, also after an error.
 */
int kconfig_read(struct kconfig_spec *k, const struct kconfig_request *r,
		 const char *tree, const char *srcarch, bool have_config,
		 struct err *err);
/* Free the texts, settings and notes. */
void kconfig_release(struct kconfig_spec *k);
/* Return true if only the existing .config is requested. */
bool kconfig_is_empty(const struct kconfig_spec *k);
/* Compute a digest of the base and fragments, but not of their file names. */
void kconfig_digest(const struct kconfig_spec *k, struct digest *out);
/*
 * Return true if `symbol` is requested to be y.  The last fragment that sets
 * the symbol decides; if there is no such fragment, the base does.  `config` is
 * the text of the existing .config.  A base that is a make target sets no
 * symbol.
 */
bool kconfig_is_requested(const struct kconfig_spec *k, const char *config,
			  const char *symbol);
/*
 * Return `base`, the text of a .config, without the symbols that the fragments
 * set, followed by the settings of the fragments.  If the fragments set a
 * symbol several times, only its last setting is included.  The caller frees
 * the result.
 */
char *kconfig_merge(const struct kconfig_spec *k, const char *base);

/* A requested setting that Kconfig rejected. */
struct kconfig_rejected {
	char *symbol; /* "CONFIG_X" */
	/* requested and actual value; "n" if the symbol is not set */
	char *requested, *actual;
	/* "FILE:LINE" of a file with settings; NULL for a setting of -K */
	char *location;
	bool of_tree; /* requested by a fragment with of_tree */
};

/*
 * List the requested settings that `config`, the text of the resulting .config,
 * does not contain.  Of several requests for a symbol, only the last request
 * counts.  Free the *n entries of *out with kconfig_free_rejected().
 */
void kconfig_find_rejected(const struct kconfig_spec *k, const char *config,
			   struct kconfig_rejected **out, size_t *n);
/*
 * Return true if the fragments request `symbol` to be y after their last
 * setting of `other`.
 */
bool kconfig_is_requested_later(const struct kconfig_spec *k,
				const char *symbol, const char *other);
/* Free the list returned by kconfig_find_rejected(). */
void kconfig_free_rejected(struct kconfig_rejected *list, size_t n);

/*
 * Return true if `word` is an http:// or https:// URL.  The caller must
 * download its text before kconfig_read().
 */
bool kconfig_is_remote_url(const char *word);

#endif
