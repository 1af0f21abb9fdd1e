#include "program/verify.h"
namespace preresnet {
void verify(const ProgramSet&) {}
}
