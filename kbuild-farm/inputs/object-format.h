/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/object-format.h - Recognition of object file formats.
 *
 * An object is relocatable ELF or LLVM bitcode.  ELF objects are distinguished
 * by class, byte order, machine, and gcc's LTO sections: these exist in
 * addition to code (fat LTO), instead of code (slim LTO), or not at all.
 * Bitcode can have a wrapper.  Objects are received from nodes, so all numbers
 * in them are validated.
 */
#ifndef INPUTS_OBJECT_FORMAT_H
#define INPUTS_OBJECT_FORMAT_H

#include "base/bytes.h"
#include "base/err.h"

/* Return true for ELF and bitcode, which can serve as reference objects. */
bool inputs_object_format_is_supported(struct bytes reference);
/*
 * Check that the tables of `object` are consistent and its format is that of
 * `reference`, which was compiled locally.  Two bitcode files must be of the
 * same release of LLVM.  Returns 0, or -EBADMSG with `err` set.
 */
int inputs_object_format_compare(struct bytes object, struct bytes reference,
				 struct err *err);
/* Return true if the ELF symbols of `object` include a defined function. */
bool inputs_object_format_has_functions(struct bytes object);
/*
 * Return true if `object`, for example a .dwo file, is relocatable ELF for the
 * machine of `reference`.  Any machine is accepted if `reference` is bitcode,
 * because the machine of bitcode is unknown.
 */
bool inputs_object_format_is_same_machine(struct bytes object,
					  struct bytes reference);

#endif
