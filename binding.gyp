# Inert. The addon is built by CMake (scripts/build-native.mjs has the only recipe). The file is here so that npm and node-gyp, which look
# for it, find nothing to do; package.json says "gypfile": false for the same reason.
{ "targets": [] }
