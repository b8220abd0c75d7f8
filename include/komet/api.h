/*
 * Which names libkomet gives away: what is declared with KOMET_API, and nothing else, can be seen from
 * outside the shared library.
 */
#ifndef KOMET_API_H
#define KOMET_API_H

#if defined(__GNUC__)
#define KOMET_API __attribute__((visibility("default")))
#else
#define KOMET_API
#endif

#endif
