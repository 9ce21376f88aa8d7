#include "bindings.h"

NB_MODULE(_ztensor, module) {
  namespace python = zt::python;
#ifdef NDEBUG
  python::nb::set_leak_warnings(false);  // arrays may outlive the module by design
#endif
  module.attr("__version__") = ZT_VERSION;
  python::bind_errors(module);
  python::bind_buffer(module);
  python::bind_exports(module);
  python::bind_store(module);
  python::bind_options(module);
  python::bind_source(module);
  python::bind_writer(module);
  python::bind_tools(module);
  python::bind_grow(module);
}
