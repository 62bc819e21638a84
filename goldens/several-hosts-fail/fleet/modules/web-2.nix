{
  nixfleet.files."etc/relative".text = "";
}
