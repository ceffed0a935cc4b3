/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/object.h - which kind of object file some bytes are.
 *
 * Foreign bytes: no number in them is believed without a look at what there
 * is.  Told apart are relocatable ELF files by class, byte order and machine,
 * with gcc's LTO sections beside the code (fat), without any code (slim), or
 * without them; and LLVM's bitcode, bare or in its wrapper.
 */
#ifndef INPUTS_OBJECT_H
#define INPUTS_OBJECT_H

#include "base/bytes.h"
#include "base/err.h"

/* Is it ELF or bitcode, so that an answer can be compared with it? */
bool inputs_object_is_known(struct bytes reference);
/*
 * Is `object` whole, as far as its tables tell, and of the kind of `reference`,
 * which a compiler on this machine made?  Of two bitcode files the release of
 * LLVM has to be the same, too.  0 or -EBADMSG.
 */
int inputs_object_compare(struct bytes object, struct bytes reference,
			  struct err *err);
/* Does it define a function, as far as its ELF symbols tell? */
bool inputs_object_has_functions(struct bytes object);
/*
 * Is it ELF for the machine of `reference`, as a .dwo is?  Of bitcode the
 * machine is not known: any machine then.
 */
bool inputs_object_is_kin(struct bytes object, struct bytes reference);

#endif
